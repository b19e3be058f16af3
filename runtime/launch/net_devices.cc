#include "runtime/launch/net_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/link.h"
#include "net/netlink_socket.h"

namespace tiny::runtime {
namespace {

using net::NetlinkSocket;

absl::StatusOr<std::set<int>> Indexes(NetlinkSocket& socket) {
  ASSIGN_OR_RETURN(const std::vector<net::LinkInfo> links, net::ListLinks(socket));
  std::set<int> indexes;
  for (const net::LinkInfo& link : links) indexes.insert(link.index);
  return indexes;
}

absl::Status BringUp(NetlinkSocket& socket, int index,
                     const std::vector<net::IpPrefix>& addresses) {
  net::MessageBuilder batch;
  for (const net::IpPrefix& address : addresses) net::AddAddress(batch, index, address);
  net::ChangeLink(batch, net::LinkRef(index), {.up = true});
  return socket.Execute(batch);
}

}  // namespace

MovedDevices::~MovedDevices() {
  for (const Moved& device : moved_) GiveBack(device).IgnoreError();
}

absl::Status MovedDevices::Move(const std::map<std::string, oci::NetDevice>& devices, int netns) {
  if (netns < 0) {
    return absl::InvalidArgumentError("linux.netDevices: the container has the host's network");
  }
  ASSIGN_OR_RETURN(home_, OpenFile("/proc/thread-self/ns/net", O_RDONLY));
  there_.Reset(fcntl(netns, F_DUPFD_CLOEXEC, 0));
  if (!there_) return PosixStatus(errno, "keep the container's network namespace");
  for (const auto& [name, device] : devices) {
    RETURN_IF_ERROR(Annotate(MoveOne(name, device.name.empty() ? name : device.name),
                             absl::StrCat("linux.netDevices.", name)));
  }
  return absl::OkStatus();
}

absl::Status MovedDevices::MoveOne(const std::string& name, const std::string& new_name) {
  ASSIGN_OR_RETURN(NetlinkSocket here, NetlinkSocket::Open(NETLINK_ROUTE));
  ASSIGN_OR_RETURN(NetlinkSocket inside, NetlinkSocket::OpenIn(there_.get(), NETLINK_ROUTE));
  ASSIGN_OR_RETURN(const net::LinkInfo link, net::GetLink(here, net::LinkRef(name)));
  if (!absl::StrContains(new_name, "%d") && net::GetLink(inside, net::LinkRef(new_name)).ok()) {
    return absl::AlreadyExistsError(absl::StrCat("the container has an interface ", new_name));
  }
  Moved device = {.name = name, .up = link.up()};
  ASSIGN_OR_RETURN(const std::vector<net::AddressInfo> addresses,
                   net::ListAddresses(here, link.index, AF_UNSPEC));
  for (const net::AddressInfo& address : addresses) {
    if (address.scope == RT_SCOPE_UNIVERSE && (address.flags & IFA_F_PERMANENT) != 0) {
      device.addresses.push_back(address.prefix);
    }
  }
  ASSIGN_OR_RETURN(const std::set<int> before, Indexes(inside));
  net::MessageBuilder batch;
  net::ChangeLink(batch, net::LinkRef(link.index), {.name = new_name, .netns = there_.get()});
  RETURN_IF_ERROR(here.Execute(batch));
  // Both its name and its index may be new.
  ASSIGN_OR_RETURN(const std::set<int> after, Indexes(inside));
  for (const int index : after) {
    if (before.count(index) == 0) device.index = index;
  }
  moved_.push_back(device);
  return BringUp(inside, device.index, device.addresses);
}

absl::Status MovedDevices::GiveBack(const Moved& device) {
  ASSIGN_OR_RETURN(NetlinkSocket inside, NetlinkSocket::OpenIn(there_.get(), NETLINK_ROUTE));
  net::MessageBuilder batch;
  net::ChangeLink(batch, net::LinkRef(device.index), {.name = device.name, .netns = home_.get()});
  RETURN_IF_ERROR(inside.Execute(batch));
  if (!device.up && device.addresses.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(NetlinkSocket here, NetlinkSocket::Open(NETLINK_ROUTE));
  ASSIGN_OR_RETURN(const net::LinkInfo link, net::GetLink(here, net::LinkRef(device.name)));
  return BringUp(here, link.index, device.addresses);
}

}  // namespace tiny::runtime
