// The sockets that hold published ports, and who holds one that is taken.
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "net/ip_address.h"
#include "net/netlink_socket.h"
#include "net/sock_diag.h"
#include "runtime/network/port_publisher.h"
#include "runtime/network/socket_address.h"

namespace tiny::runtime {
namespace {

// Of connections that wait for a relay.
constexpr int kBacklog = 128;
constexpr char kLoopback6[] = "::1";

// Nothing is ever delivered: a connection that the NAT rules do not take is not answered.
bool DropEverything(int fd) {
  sock_filter drop = {BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program = {1, &drop};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

// The processes that have one of the sockets open; stops at the first.
std::string FindSocketOwner(const std::set<std::string>& links) {
  auto processes = ListDirectory("/proc");
  if (!processes.ok()) return "";
  for (const std::string& name : *processes) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(name, &pid)) continue;
    const std::string folder = absl::StrCat("/proc/", name, "/fd");
    auto descriptors = ListDirectory(folder);
    if (!descriptors.ok()) continue;
    for (const std::string& descriptor : *descriptors) {
      char target[64];
      const ssize_t size =
          readlink(absl::StrCat(folder, "/", descriptor).c_str(), target, sizeof(target));
      if (size <= 0 || links.count(std::string(target, static_cast<size_t>(size))) == 0) continue;
      auto stat = ReadProcessStat(pid);
      return absl::StrCat(stat.ok() ? stat->comm : "a process", ", pid ", pid);
    }
  }
  return "";
}

}  // namespace

absl::StatusOr<UniqueFd> HoldPort(state::PortMapping& port) {
  net::IpAddress host = net::IpAddress::V4(0);
  if (auto parsed = net::ParseIpAddress(port.host_ip); parsed.ok()) host = *parsed;
  const int type = port.protocol == "udp"    ? SOCK_DGRAM
                   : port.protocol == "sctp" ? SOCK_SEQPACKET
                                             : SOCK_STREAM;
  UniqueFd fd(
      socket(host.family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, ProtocolNumber(port.protocol)));
  if (!fd) {
    if (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT) return UniqueFd();
    return PosixStatus(errno, absl::StrCat("hold ", DescribePort(port)));
  }
  const int on = 1;
  if (type == SOCK_STREAM) {
    // Old connections in TIME_WAIT do not make the port a taken one; a listener still does.
    (void)setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  if (host.is_v6()) (void)setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  const bool relays = host.is_v6() && host.IsLoopback();
  if (type != SOCK_SEQPACKET && !relays && !DropEverything(fd.get())) {
    return PosixStatus(errno, "attach a filter that drops everything");
  }
  SocketAddress address = MakeSocketAddress(host, port.host_port);
  if (bind(fd.get(), address.get(), address.length) != 0 ||
      (type != SOCK_DGRAM && listen(fd.get(), relays ? kBacklog : 1) != 0)) {
    absl::Status status = PosixStatus(errno, absl::StrCat("hold ", DescribePort(port)));
    if (errno == EADDRNOTAVAIL) {
      return WithHint(std::move(status), absl::StrCat(port.host_ip, " is not this host's."));
    }
    return status;
  }
  if (port.host_port == 0) {
    address.length = sizeof(address.storage);
    if (getsockname(fd.get(), address.get(), &address.length) != 0) {
      return PosixStatus(errno, "getsockname of a held port");
    }
    // The port is at the same place in both families.
    port.host_port = ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port);
  }
  return fd;
}

bool IsServedAtLoopback6(const state::PortMapping& port) {
  return port.protocol != "sctp" && (port.host_ip.empty() || port.host_ip == "0.0.0.0" ||
                                     port.host_ip == "::" || port.host_ip == kLoopback6);
}

UniqueFd ListenAtLoopback6(const state::PortMapping& port) {
  if (!IsServedAtLoopback6(port) || port.host_ip == kLoopback6) return UniqueFd();
  state::PortMapping loopback = port;
  loopback.host_ip = kLoopback6;
  return HoldPort(loopback).value_or(UniqueFd());
}

std::string FindPortHolder(const state::PortMapping& port) {
  const int protocol = ProtocolNumber(port.protocol);
  if (protocol == IPPROTO_SCTP) return "";
  auto socket = net::NetlinkSocket::Open(NETLINK_SOCK_DIAG);
  if (!socket.ok()) return "";
  auto sockets = net::ListPortSockets(*socket, protocol, port.host_port);
  if (!sockets.ok()) return "";
  std::set<std::string> links;
  for (const net::SocketInfo& info : *sockets)
    links.insert(absl::StrCat("socket:[", info.inode, "]"));
  return links.empty() ? "" : FindSocketOwner(links);
}

}  // namespace tiny::runtime
