// rtnetlink alone: makes a network namespace, a bridge with an address in it, and lists what is
// there. Needs root; nothing outside the new namespace changes.
//   sudo bazel run //examples:rtnetlink_example
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <cstdio>

#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/link.h"
#include "net/netlink_socket.h"
#include "net/route.h"

namespace {

using namespace tiny::net;

absl::Status Run() {
  if (unshare(CLONE_NEWNET) != 0) return tiny::PosixStatus(errno, "make a network namespace");
  ASSIGN_OR_RETURN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_ROUTE));
  MessageBuilder batch;
  ChangeLink(batch, LinkRef("lo"), {.up = true});
  AddBridge(batch, {.name = "br0", .mtu = 1400});
  RETURN_IF_ERROR(socket.Execute(batch));

  ASSIGN_OR_RETURN(const LinkInfo bridge, GetLink(socket, LinkRef("br0")));
  ASSIGN_OR_RETURN(const IpPrefix address, ParseIpPrefix("10.1.0.1/24"));
  ASSIGN_OR_RETURN(const IpAddress gateway, ParseIpAddress("10.1.0.254"));
  batch.Clear();
  AddAddress(batch, bridge.index, address);
  AddRoute(batch, {.gateway = gateway, .link = bridge.index});
  RETURN_IF_ERROR(socket.Execute(batch));

  ASSIGN_OR_RETURN(const auto links, ListLinks(socket));
  for (const LinkInfo& link : links) {
    printf("%d: %s mtu %d %s\n", link.index, link.name.c_str(), link.mtu, link.up() ? "up" : "");
  }
  ASSIGN_OR_RETURN(const auto routes, ListRoutes(socket, AF_INET));
  for (const RouteInfo& route : routes) {
    printf("%s via %s\n", route.destination.ToString().c_str(), route.gateway.ToString().c_str());
  }
  return absl::OkStatus();
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
