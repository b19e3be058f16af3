#include "runtime/network/port_publisher.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/network/driver_options.h"
#include "runtime/network/holder_shelf.h"

namespace tiny::runtime {
namespace {

constexpr absl::string_view kAny = "any";
constexpr absl::string_view kNone = "-";
constexpr int kRandomAttempts = 16;

absl::StatusOr<uint16_t> ParsePort(absl::string_view text) {
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text, &port) || port == 0 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not a port"));
  }
  return static_cast<uint16_t>(port);
}

std::string OrNone(const net::IpAddress& address) {
  return address ? address.ToString() : std::string(kNone);
}

absl::Status InUse(const state::PortMapping& port, absl::string_view holder) {
  return WithHint(
      absl::AlreadyExistsError(absl::StrCat("address already in use: ", DescribePort(port),
                                            holder.empty() ? "" : absl::StrCat(" (", holder, ")"))),
      "Choose another host port, or stop what uses this one.");
}

// Who holds a taken port: a container by its lease, else a process by its socket.
std::string NameHolder(const LeaseStore& store, const state::PortMapping& port) {
  Liveness liveness;
  state::PortMapping any = port;
  any.host_ip.clear();
  for (const state::PortMapping& candidate : {port, any}) {
    const auto lease = store.Read(PortLease(candidate));
    if (lease && liveness.IsAlive(*lease)) {
      return absl::StrCat("container ", lease->container.substr(0, 12));
    }
  }
  return FindPortHolder(port);
}

// The claim of one port.
absl::Status ClaimPort(const LeaseStore& store, const Lease& owner, const PublishTarget& target,
                       state::PortMapping port, absl::FunctionRef<absl::Status()> sweep,
                       const HolderShelf& shelf, ClaimedPorts& claimed) {
  ASSIGN_OR_RETURN(const net::IpAddress host, HostAddress(port));
  const bool relayed = host.is_v6() && host.IsLoopback();
  if (relayed && port.protocol == "sctp") {
    return absl::InvalidArgumentError(absl::StrCat(
        DescribePort(port), " can't be published: only TCP and UDP can be relayed from ::1"));
  }
  if (host && host.is_v6() && !relayed && !target.address6) {
    return WithHint(
        absl::InvalidArgumentError(absl::StrCat(
            DescribePort(port), " can't be published: the container has no IPv6 address")),
        "Put it on a network that was made with --ipv6.");
  }
  const bool random = port.host_port == 0;
  Lease lease = owner;
  lease.values = {OrNone(target.address), OrNone(target.address6),
                  absl::StrCat(port.container_port)};
  for (int attempt = 0; attempt < (random ? kRandomAttempts : 2); ++attempt) {
    if (random) port.host_port = 0;
    auto holder = HoldPort(port);
    if (GetErrno(holder.status()) == EADDRINUSE) return InUse(port, NameHolder(store, port));
    if (GetErrno(holder.status()) == EMFILE) {
      return WithHint(
          holder.status(),
          "Each port is held by two sockets: raise the hard limit of open files (ulimit "
          "-Hn), or publish fewer.");
    }
    RETURN_IF_ERROR(holder.status());
    ASSIGN_OR_RETURN(const bool taken, store.Claim(PortLease(port), lease));
    if (taken) {
      claimed.published.push_back({port.protocol, host, port.host_port, target.address,
                                   target.address6, port.container_port, owner.container});
      if (*holder) claimed.holders.push_back(shelf.Put(*std::move(holder)));
      if (UniqueFd loopback = ListenAtLoopback6(port)) {
        claimed.holders.push_back(shelf.Put(std::move(loopback)));
      }
      claimed.mappings.push_back(std::move(port));
      return absl::OkStatus();
    }
    // A live container whose supervisor was killed has no holder, and a dead one has left a lease.
    if (!random) RETURN_IF_ERROR(sweep());
  }
  return InUse(port, NameHolder(store, port));
}

}  // namespace

uint8_t ProtocolNumber(absl::string_view protocol) {
  return protocol == "udp" ? IPPROTO_UDP : protocol == "sctp" ? IPPROTO_SCTP : IPPROTO_TCP;
}

absl::StatusOr<net::IpAddress> HostAddress(const state::PortMapping& port) {
  if (port.host_ip.empty() || port.host_ip == "0.0.0.0" || port.host_ip == "::") {
    return net::IpAddress();
  }
  return net::ParseIpAddress(port.host_ip);
}

std::string DescribePort(const state::PortMapping& port) {
  const std::string address = port.host_ip.empty() ? "0.0.0.0" : port.host_ip;
  const bool v6 = address.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", address, v6 ? "]" : "", ":", port.host_port, "/",
                      port.protocol);
}

std::string PortLease(const state::PortMapping& port) {
  auto host = HostAddress(port);
  const std::string address = host.ok() && *host ? host->ToString() : std::string(kAny);
  return absl::StrCat("ports/", port.protocol, "_", address, "_", port.host_port);
}

std::optional<PublishedPort> ParsePortLease(absl::string_view name, const Lease& lease) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '_');
  if (parts.size() != 3 || lease.values.size() != 3) return std::nullopt;
  PublishedPort port;
  port.protocol = std::string(parts[0]);
  if (parts[1] != kAny) {
    auto host = net::ParseIpAddress(parts[1]);
    if (!host.ok()) return std::nullopt;
    port.host = *host;
  }
  auto host_port = ParsePort(parts[2]);
  auto container_port = ParsePort(lease.values[2]);
  if (!host_port.ok() || !container_port.ok()) return std::nullopt;
  port.host_port = *host_port;
  port.container_port = *container_port;
  for (const auto& [text, address] : {std::pair(&lease.values[0], &port.container),
                                      std::pair(&lease.values[1], &port.container6)}) {
    if (*text == kNone) continue;
    auto parsed = net::ParseIpAddress(*text);
    if (!parsed.ok()) return std::nullopt;
    *address = *parsed;
  }
  port.id = lease.container;
  return port;
}

absl::StatusOr<std::vector<state::PortMapping>> WantedPorts(const state::ContainerConfig& config) {
  std::vector<state::PortMapping> ports = config.ports;
  for (const state::PortMapping& port : ports) {
    if (port.container_port == 0) return absl::InvalidArgumentError("a container port is 0");
    if (port.protocol != "tcp" && port.protocol != "udp" && port.protocol != "sctp") {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", port.protocol, "\" is not tcp, udp or sctp"));
    }
    RETURN_IF_ERROR(HostAddress(port).status());
  }
  if (!config.publish_all) return ports;
  for (const std::string& exposed : config.exposed_ports) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(exposed, absl::MaxSplits('/', 1));
    const std::string protocol = parts.second.empty() ? "tcp" : parts.second;
    const std::pair<std::string, std::string> range =
        absl::StrSplit(parts.first, absl::MaxSplits('-', 1));
    ASSIGN_OR_RETURN(const uint16_t first, ParsePort(range.first));
    ASSIGN_OR_RETURN(const uint16_t last,
                     ParsePort(range.second.empty() ? range.first : range.second));
    for (uint32_t port = first; port <= last; ++port) {
      const bool published = std::any_of(ports.begin(), ports.end(), [&](const auto& other) {
        return other.container_port == port && other.protocol == protocol;
      });
      if (published) continue;
      ports.push_back({.container_port = static_cast<uint16_t>(port), .protocol = protocol});
    }
  }
  return ports;
}

void BindToHost(const Network& network, std::vector<state::PortMapping>& ports) {
  const std::string address = DriverOption(network, kHostBindingOption);
  for (state::PortMapping& port : ports) {
    if (port.host_ip.empty()) port.host_ip = address;
  }
}

absl::StatusOr<ClaimedPorts> ClaimPorts(const LeaseStore& store, const Lease& owner,
                                        const std::vector<state::PortMapping>& wanted,
                                        const PublishTarget& target,
                                        absl::FunctionRef<absl::Status()> sweep) {
  ClaimedPorts claimed;
  const HolderShelf shelf(wanted.size());
  for (const state::PortMapping& port : wanted) {
    absl::Status status = ClaimPort(store, owner, target, port, sweep, shelf, claimed);
    if (status.ok()) continue;
    // First, as there may be no descriptor left to release a lease with.
    claimed.holders.clear();
    for (const state::PortMapping& mapping : claimed.mappings) {
      (void)store.Release(PortLease(mapping), owner.container);
    }
    return status;
  }
  return claimed;
}

}  // namespace tiny::runtime
