// The doctor's checks inside the container's network namespace.
#include <linux/if.h>
#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/network/doctor_checks.h"

namespace tiny::runtime {
namespace {

bool HasAddress(const std::vector<net::AddressInfo>& addresses, const std::string& text,
                int length) {
  return std::any_of(addresses.begin(), addresses.end(), [&](const net::AddressInfo& info) {
    return info.prefix.ToString() == absl::StrCat(text, "/", length);
  });
}

}  // namespace

Finding CheckLoopback(Patient& patient) {
  ASSIGN_OR_RETURN(const net::LinkInfo lo, net::GetLink(*patient.inside, net::LinkRef("lo")));
  if (lo.up()) return std::nullopt;
  return Fault{"lo is down in the container", patient.Inside("link set lo up")};
}

Finding CheckInterface(Patient& patient) {
  const std::string& name = patient.endpoint.interface_name;
  ASSIGN_OR_RETURN(const std::vector<net::LinkInfo> links, net::ListLinks(*patient.inside));
  const net::LinkInfo* renamed = nullptr;
  for (const net::LinkInfo& link : links) {
    if (link.name == name) patient.eth = link;
    if (link.mac && net::FormatMacAddress(*link.mac) == patient.endpoint.mac_address) {
      renamed = &link;
    }
  }
  if (patient.eth) return std::nullopt;
  if (renamed != nullptr) {
    return Fault{absl::StrCat("the container's interface is named ", renamed->name, ", not ", name),
                 patient.Inside(absl::StrCat("link set ", renamed->name, " name ", name))};
  }
  return Fault{absl::StrCat("the container has no interface ", name),
               absl::StrCat("tiny restart ", patient.config->name)};
}

Finding CheckInterfaceUp(Patient& patient) {
  if (patient.eth->up()) return std::nullopt;
  return Fault{absl::StrCat(patient.eth->name, " is down in the container"),
               patient.Inside(absl::StrCat("link set ", patient.eth->name, " up"))};
}

Finding CheckAddress(Patient& patient) {
  ASSIGN_OR_RETURN(const auto addresses,
                   net::ListAddresses(*patient.inside, patient.eth->index, AF_INET));
  const state::NetworkEndpoint& endpoint = patient.endpoint;
  if (HasAddress(addresses, endpoint.ip, endpoint.prefix_length)) return std::nullopt;
  const std::string address = absl::StrCat(endpoint.ip, "/", endpoint.prefix_length);
  return Fault{absl::StrCat(patient.eth->name, " has not the address ", address),
               patient.Inside(absl::StrCat("address add ", address, " dev ", patient.eth->name))};
}

Finding CheckAddress6(Patient& patient) {
  const state::NetworkEndpoint& endpoint = patient.endpoint;
  if (endpoint.ip6.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const auto addresses,
                   net::ListAddresses(*patient.inside, patient.eth->index, AF_INET6));
  if (HasAddress(addresses, endpoint.ip6, endpoint.prefix_length6)) return std::nullopt;
  const std::string address = absl::StrCat(endpoint.ip6, "/", endpoint.prefix_length6);
  if (addresses.empty()) {
    return Fault{absl::StrCat("IPv6 is off on ", patient.eth->name, " in the container"),
                 absl::StrCat("tiny restart ", patient.config->name)};
  }
  return Fault{absl::StrCat(patient.eth->name, " has not the address ", address),
               patient.Inside(absl::StrCat("address add ", address, " dev ", patient.eth->name))};
}

Finding CheckDefaultRoute(Patient& patient) {
  if (patient.network.internal) return std::nullopt;
  ASSIGN_OR_RETURN(const auto routes, net::ListRoutes(*patient.inside, AF_INET));
  const std::string& gateway = patient.endpoint.gateway;
  const net::RouteInfo* other = nullptr;
  for (const net::RouteInfo& route : routes) {
    if (route.destination.length != 0) continue;
    if (route.gateway.ToString() == gateway) return std::nullopt;
    other = &route;
  }
  const std::string fix = patient.Inside(absl::StrCat("route replace default via ", gateway));
  if (other == nullptr) return Fault{"the container has no default route", fix};
  // A second network is reached by its own route only.
  if (patient.endpoint.interface_name != "eth0") return std::nullopt;
  return Fault{absl::StrCat("the container's default route is ", other->gateway.ToString(),
                            ", not ", gateway),
               fix};
}

}  // namespace tiny::runtime
