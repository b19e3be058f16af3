// The doctor's checks of the host's interfaces, routes and sysctls.
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/network/doctor_checks.h"
#include "runtime/network/host_bridge.h"

namespace tiny::runtime {
namespace {

constexpr char kReload[] = "tiny network reload";

bool IsBridge(const Patient& patient) { return patient.network.driver == "bridge"; }

std::string Sysctl(absl::string_view name) {
  auto text = ReadFile(absl::StrCat("/proc/sys/net/", name));
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : "";
}

// The host's end of the veth, or nothing.
absl::StatusOr<std::optional<net::LinkInfo>> HostEnd(Patient& patient) {
  auto link = net::GetLink(*patient.host, net::LinkRef(patient.endpoint.host_interface));
  if (GetErrno(link.status()) == ENODEV) return std::nullopt;
  RETURN_IF_ERROR(link.status());
  return std::optional<net::LinkInfo>(*std::move(link));
}

}  // namespace

Finding CheckBridge(Patient& patient) {
  const std::string& name = patient.network.interface_name;
  auto link = net::GetLink(*patient.host, net::LinkRef(name));
  if (GetErrno(link.status()) == ENODEV) {
    return Fault{absl::StrCat("the host has no interface ", name), kReload};
  }
  RETURN_IF_ERROR(link.status());
  patient.bridge = *std::move(link);
  if (IsBridge(patient) && patient.bridge->kind != "bridge") {
    return Fault{absl::StrCat(name, " is not a bridge"), absl::StrCat("ip link delete ", name)};
  }
  return std::nullopt;
}

Finding CheckBridgeUp(Patient& patient) {
  if (patient.bridge->up()) return std::nullopt;
  return Fault{absl::StrCat(patient.bridge->name, " is down on the host"), kReload};
}

Finding CheckBridgeAddress(Patient& patient) {
  if (!IsBridge(patient)) return std::nullopt;
  ASSIGN_OR_RETURN(const auto addresses,
                   net::ListAddresses(*patient.host, patient.bridge->index, AF_INET));
  const std::string& gateway = patient.network.gateway;
  for (const net::AddressInfo& info : addresses) {
    if (info.prefix.address.ToString() == gateway) return std::nullopt;
  }
  return Fault{absl::StrCat(patient.bridge->name, " has not the gateway's address ", gateway),
               kReload};
}

Finding CheckVeth(Patient& patient) {
  if (!IsBridge(patient)) return std::nullopt;
  ASSIGN_OR_RETURN(const auto veth, HostEnd(patient));
  if (veth) return std::nullopt;
  return Fault{absl::StrCat("the host's end ", patient.endpoint.host_interface, " is gone"),
               absl::StrCat("tiny restart ", patient.config->name)};
}

Finding CheckVethUp(Patient& patient) {
  if (!IsBridge(patient)) return std::nullopt;
  ASSIGN_OR_RETURN(const auto veth, HostEnd(patient));
  if (veth && veth->up()) return std::nullopt;
  return Fault{absl::StrCat("the host's end ", patient.endpoint.host_interface, " is down"),
               kReload};
}

Finding CheckVethEnslaved(Patient& patient) {
  if (!IsBridge(patient)) return std::nullopt;
  ASSIGN_OR_RETURN(const auto veth, HostEnd(patient));
  if (veth && veth->master == patient.bridge->index) return std::nullopt;
  return Fault{
      absl::StrCat(patient.endpoint.host_interface, " is not a port of ", patient.bridge->name),
      absl::StrCat("ip link set ", patient.endpoint.host_interface, " master ",
                   patient.bridge->name)};
}

Finding CheckMtu(Patient& patient) {
  const int mtu = patient.eth->mtu;
  if (IsBridge(patient) && mtu != patient.bridge->mtu) {
    return Fault{
        absl::StrCat(patient.eth->name, " has MTU ", mtu, ", but ", patient.bridge->name, " has ",
                     patient.bridge->mtu),
        patient.Inside(absl::StrCat("link set ", patient.eth->name, " mtu ", patient.bridge->mtu))};
  }
  if (patient.network.internal || patient.network.mtu != 0) return std::nullopt;
  ASSIGN_OR_RETURN(const int egress, EgressMtu(*patient.host));
  if (mtu <= egress) return std::nullopt;
  return Fault{
      absl::StrCat(patient.eth->name, " has MTU ", mtu, ", but the way out of the host has ",
                   egress),
      absl::StrCat("ip link set ", patient.bridge->name, " mtu ", egress, "; ",
                   patient.Inside(absl::StrCat("link set ", patient.eth->name, " mtu ", egress)))};
}

Finding CheckForwarding(Patient& patient) {
  if (!IsBridge(patient) || patient.network.internal) return std::nullopt;
  if (Sysctl("ipv4/ip_forward") == "0") {
    return Fault{"the host does not forward packets: net.ipv4.ip_forward is 0",
                 "sysctl -w net.ipv4.ip_forward=1"};
  }
  if (!patient.endpoint.ip6.empty() && Sysctl("ipv6/conf/all/forwarding") == "0") {
    return Fault{"the host does not forward packets: net.ipv6.conf.all.forwarding is 0",
                 "sysctl -w net.ipv6.conf.all.forwarding=1"};
  }
  return std::nullopt;
}

Finding CheckReversePath(Patient& patient) {
  if (!IsBridge(patient)) return std::nullopt;
  auto route = net::LookUpRoute(*patient.host, patient.ip);
  if (route.ok() && route->link == patient.bridge->index) return std::nullopt;
  std::string device = "nothing";
  if (route.ok()) {
    auto link = net::GetLink(*patient.host, net::LinkRef(route->link));
    if (link.ok()) device = link->name;
  }
  // The larger of the two counts (Documentation/networking/ip-sysctl.rst).
  const std::string& bridge = patient.bridge->name;
  const bool strict = std::max(Sysctl("ipv4/conf/all/rp_filter"),
                               Sysctl(absl::StrCat("ipv4/conf/", bridge, "/rp_filter"))) == "1";
  return Fault{
      absl::StrCat("the host's route to ", patient.endpoint.ip, " leads to ", device, ", not to ",
                   bridge, strict ? ", and rp_filter drops what the container sends" : ""),
      absl::StrCat("ip route show to match ", patient.endpoint.ip,
                   ", and delete the route that is not ", bridge, "'s")};
}

Finding CheckHostRoute(Patient& patient) {
  if (patient.network.internal) return std::nullopt;
  ASSIGN_OR_RETURN(const auto routes, net::ListRoutes(*patient.host, AF_INET));
  // As some VPNs do, a default route may come in two halves.
  const bool found = std::any_of(routes.begin(), routes.end(), [](const net::RouteInfo& route) {
    return route.destination.length <= 1;
  });
  if (found) return std::nullopt;
  return Fault{"the host itself has no default route", "ip route add default via <your router>"};
}

}  // namespace tiny::runtime
