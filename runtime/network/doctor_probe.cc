// The doctor's checks that send packets from inside the container's network namespace.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/network_namespace.h"
#include "runtime/network/container_files.h"
#include "runtime/network/dns_message.h"
#include "runtime/network/doctor_checks.h"
#include "runtime/network/resolver.h"
#include "runtime/network/socket_address.h"

namespace tiny::runtime {
namespace {

// How long a neighbour on the same bridge may take.
constexpr absl::Duration kNeighbourTimeout = absl::Milliseconds(300);

struct ArpPacket {
  arphdr header;
  uint8_t sender_mac[6];
  uint8_t sender_ip[4];
  uint8_t target_mac[6];
  uint8_t target_ip[4];
};
static_assert(sizeof(ArpPacket) == 28);

absl::StatusOr<UniqueFd> SocketInside(const Patient& patient, int family, int type, int protocol) {
  UniqueFd fd;
  RETURN_IF_ERROR(net::RunInNetworkNamespace(patient.netns, [&]() -> absl::Status {
    fd.Reset(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    if (!fd) return PosixStatus(errno, "open a socket in the container");
    return absl::OkStatus();
  }));
  return fd;
}

// True when there is something to read before the deadline.
bool WaitFor(int fd, short events, absl::Time deadline) {
  while (true) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left < 0) return false;
    pollfd ready = {fd, events, 0};
    const int count = poll(&ready, 1, static_cast<int>(left) + 1);
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

// Asks who has `target` as `sender` (0.0.0.0: a probe, RFC 5227) and returns the first answer's
// MAC.
absl::StatusOr<std::optional<net::MacAddress>> AskArp(Patient& patient,
                                                      const net::IpAddress& target,
                                                      const net::IpAddress& sender) {
  ASSIGN_OR_RETURN(const UniqueFd fd,
                   SocketInside(patient, AF_PACKET, SOCK_DGRAM, htons(ETH_P_ARP)));
  sockaddr_ll link = {};
  link.sll_family = AF_PACKET;
  link.sll_protocol = htons(ETH_P_ARP);
  link.sll_ifindex = patient.eth->index;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&link), sizeof(link)) != 0) {
    return PosixStatus(errno, "bind a packet socket in the container");
  }
  const net::MacAddress own = patient.eth->mac.value_or(net::MacAddress());
  ArpPacket packet = {};
  packet.header = {htons(ARPHRD_ETHER), htons(ETH_P_IP), 6, 4, htons(ARPOP_REQUEST)};
  memcpy(packet.sender_mac, own.data(), 6);
  memcpy(packet.sender_ip, sender.bytes.data(), 4);
  memcpy(packet.target_ip, target.bytes.data(), 4);
  link.sll_halen = 6;
  memset(link.sll_addr, 0xff, 6);
  if (sendto(fd.get(), &packet, sizeof(packet), 0, reinterpret_cast<sockaddr*>(&link),
             sizeof(link)) < 0) {
    return PosixStatus(errno, "send an ARP request from the container");
  }
  const absl::Time deadline = absl::Now() + kNeighbourTimeout;
  while (WaitFor(fd.get(), POLLIN, deadline)) {
    ArpPacket answer = {};
    const ssize_t size = recv(fd.get(), &answer, sizeof(answer), MSG_DONTWAIT);
    if (size != sizeof(answer) || answer.header.ar_op != htons(ARPOP_REPLY)) continue;
    net::MacAddress mac;
    memcpy(mac.data(), answer.sender_mac, 6);
    if (memcmp(answer.sender_ip, target.bytes.data(), 4) == 0 && mac != own) return mac;
  }
  return std::nullopt;
}

// The answer of a DNS server to a question of ours; kDeadlineExceeded and others if there is none.
absl::StatusOr<std::string> AskDns(const Patient& patient, const net::IpAddress& server,
                                   absl::string_view name, DnsType type) {
  ASSIGN_OR_RETURN(const UniqueFd fd, SocketInside(patient, server.family, SOCK_DGRAM, 0));
  SocketAddress peer = MakeSocketAddress(server, 53);
  const uint16_t id = static_cast<uint16_t>(getpid());
  const std::string query = MakeDnsQuery(id, name, type);
  if (query.empty()) return absl::InvalidArgumentError(absl::StrCat(name, " is not a host's name"));
  if (connect(fd.get(), peer.get(), peer.length) != 0 ||
      send(fd.get(), query.data(), query.size(), 0) < 0) {
    return PosixStatus(errno, absl::StrCat("ask ", server.ToString()));
  }
  if (!WaitFor(fd.get(), POLLIN, absl::Now() + patient.options->timeout)) {
    return absl::DeadlineExceededError("no answer");
  }
  char buffer[4096];
  const ssize_t size = recv(fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
  if (size < 0) return PosixStatus(errno, absl::StrCat("ask ", server.ToString()));
  std::string answer(buffer, static_cast<size_t>(size));
  const auto question = ParseDnsQuestion(answer);
  if (!question || question->id != id) return absl::DataLossError("a malformed answer");
  return answer;
}

ResolverConfig ContainerResolvers(const Patient& patient) {
  const std::string& path = patient.options->resolv_conf_path;
  auto text = ReadFile(path);
  return ParseResolvConf(path.empty() || !text.ok() ? "" : *text);
}

}  // namespace

Finding CheckDuplicateAddress(Patient& patient) {
  ASSIGN_OR_RETURN(const auto mac, AskArp(patient, patient.ip, net::IpAddress::V4(0)));
  if (!mac) return std::nullopt;
  return Fault{absl::StrCat("the address ", patient.endpoint.ip, " is also that of ",
                            net::FormatMacAddress(*mac)),
               absl::StrCat("bridge fdb show | grep ", net::FormatMacAddress(*mac),
                            ", and take the address from that one")};
}

Finding CheckGateway(Patient& patient) {
  if (patient.endpoint.gateway.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const net::IpAddress gateway, net::ParseIpAddress(patient.endpoint.gateway));
  ASSIGN_OR_RETURN(const auto mac, AskArp(patient, gateway, patient.ip));
  if (mac) return std::nullopt;
  return Fault{absl::StrCat("the gateway ", patient.endpoint.gateway, " does not answer ARP"),
               "tiny network reload"};
}

Finding CheckResolvConf(Patient& patient) {
  const ResolverConfig resolvers = ContainerResolvers(patient);
  for (const std::string& server : resolvers.servers) {
    auto address = net::ParseIpAddress(server);
    if (!address.ok() || !address->IsLoopback()) continue;
    if (server == kResolverAddress && NeedsResolver(patient.state->endpoints)) continue;
    return Fault{absl::StrCat("the container's resolv.conf points at ", server,
                              ", where nothing of the container listens"),
                 absl::StrCat("tiny restart ", patient.config->name,
                              ", with --dns if the host has only this server")};
  }
  return std::nullopt;
}

Finding CheckDns(Patient& patient) {
  if (patient.network.internal) return std::nullopt;
  const ResolverConfig resolvers = ContainerResolvers(patient);
  std::string failed;
  for (const std::string& server : resolvers.servers) {
    auto address = net::ParseIpAddress(server);
    if (!address.ok()) continue;
    auto answer = AskDns(patient, *address, "localhost", kDnsA);
    if (answer.ok()) return std::nullopt;
    absl::StrAppend(&failed, failed.empty() ? "" : ", ", server, " (",
                    std::string(answer.status().message()), ")");
  }
  if (failed.empty()) return std::nullopt;
  return Fault{absl::StrCat("no DNS server answers the container: ", failed),
               "tiny run --dns <a server that works>"};
}

Finding CheckConnection(Patient& patient) {
  const std::string& to = patient.options->to;
  if (to.empty()) return std::nullopt;
  const size_t colon = to.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(to.substr(colon + 1), &port) || port == 0 ||
      port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("\"", to, "\" is not HOST:PORT"));
  }
  std::string host = to.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  auto address = net::ParseIpAddress(host);
  if (!address.ok()) {
    const ResolverConfig resolvers = ContainerResolvers(patient);
    for (const std::string& server : resolvers.servers) {
      auto server_address = net::ParseIpAddress(server);
      if (!server_address.ok()) continue;
      auto answer = AskDns(patient, *server_address, host, kDnsA);
      const auto first = answer.ok() ? FirstDnsAddress(*answer) : std::nullopt;
      if (first) address = *first;
      if (first) break;
    }
    if (!address.ok()) {
      return Fault{absl::StrCat("the container's DNS knows no address of ", host),
                   "check the name, or give its address with --add-host"};
    }
  }
  ASSIGN_OR_RETURN(const UniqueFd fd, SocketInside(patient, address->family, SOCK_STREAM, 0));
  SocketAddress peer = MakeSocketAddress(*address, static_cast<uint16_t>(port));
  int error = 0;
  if (connect(fd.get(), peer.get(), peer.length) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      error = ETIMEDOUT;
      socklen_t length = sizeof(error);
      if (WaitFor(fd.get(), POLLOUT, absl::Now() + patient.options->timeout)) {
        (void)getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
      }
    }
  }
  if (error == 0) return std::nullopt;
  return Fault{absl::StrCat("the container can't connect to ", address->ToString(), ":", port, ": ",
                            strerror(error)),
               error == ECONNREFUSED ? "start the server there"
                                     : "see whether the host itself can connect there"};
}

}  // namespace tiny::runtime
