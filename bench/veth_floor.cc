#include "bench/veth_floor.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tiny::bench {
namespace {

// A message in a buffer that is known to be large enough.
struct Message {
  alignas(4) char bytes[1024];
  size_t size = 0;

  void* Add(size_t length) {
    void* place = bytes + size;
    memset(place, 0, NLMSG_ALIGN(length));
    size += NLMSG_ALIGN(length);
    return place;
  }
  nlmsghdr* Begin(uint16_t type, uint16_t flags) {
    auto* header = static_cast<nlmsghdr*>(Add(sizeof(nlmsghdr)));
    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST | flags;
    return header;
  }
  void End(nlmsghdr* header) {
    header->nlmsg_len = static_cast<uint32_t>(bytes + size - reinterpret_cast<char*>(header));
  }
  nlattr* Attribute(uint16_t type, const void* data, size_t length) {
    auto* attribute = static_cast<nlattr*>(Add(NLA_HDRLEN + length));
    attribute->nla_type = type;
    attribute->nla_len = static_cast<uint16_t>(NLA_HDRLEN + length);
    if (length > 0) memcpy(attribute + 1, data, length);
    return attribute;
  }
  void Close(nlattr* nest) {
    nest->nla_len = static_cast<uint16_t>(bytes + size - reinterpret_cast<char*>(nest));
  }
};

// The answer to the last message: true for an errno of 0.
bool Exchange(int fd, const Message& message, char* answer, size_t size) {
  if (send(fd, message.bytes, message.size, 0) < 0) return false;
  const ssize_t got = recv(fd, answer, size, 0);
  return got > 0;
}

bool IsDone(const char* answer) {
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer);
  return header->nlmsg_type == NLMSG_ERROR &&
         static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error == 0;
}

nlmsghdr* Up(Message& message, const char* name, uint16_t flags) {
  nlmsghdr* header = message.Begin(RTM_NEWLINK, flags);
  auto* link = static_cast<ifinfomsg*>(message.Add(sizeof(ifinfomsg)));
  link->ifi_flags = link->ifi_change = IFF_UP;
  message.Attribute(IFLA_IFNAME, name, strlen(name) + 1);
  message.End(header);
  return header;
}

}  // namespace

bool VethFloorOnHost(int host_socket, int bridge, int netns, const char* name) {
  Message message;
  nlmsghdr* header = message.Begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
  auto* link = static_cast<ifinfomsg*>(message.Add(sizeof(ifinfomsg)));
  link->ifi_flags = link->ifi_change = IFF_UP;
  message.Attribute(IFLA_IFNAME, name, strlen(name) + 1);
  message.Attribute(IFLA_MASTER, &bridge, sizeof(bridge));
  nlattr* info = message.Attribute(IFLA_LINKINFO, nullptr, 0);
  message.Attribute(IFLA_INFO_KIND, "veth", 5);
  nlattr* data = message.Attribute(IFLA_INFO_DATA, nullptr, 0);
  nlattr* peer = message.Attribute(VETH_INFO_PEER, nullptr, 0);
  message.Add(sizeof(ifinfomsg));
  message.Attribute(IFLA_IFNAME, "eth0", 5);
  message.Attribute(IFLA_NET_NS_FD, &netns, sizeof(netns));
  message.Close(peer);
  message.Close(data);
  message.Close(info);
  message.End(header);
  char answer[4096];
  return Exchange(host_socket, message, answer, sizeof(answer)) && IsDone(answer);
}

bool VethFloorInside(int netns, int own_netns) {
  if (setns(netns, CLONE_NEWNET) != 0) return false;
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (setns(own_netns, CLONE_NEWNET) != 0) return false;
  Message up;
  Up(up, "lo", 0);
  Up(up, "eth0", 0);
  nlmsghdr* get = up.Begin(RTM_GETLINK, 0);
  up.Add(sizeof(ifinfomsg));
  up.Attribute(IFLA_IFNAME, "eth0", 5);
  up.End(get);
  char answer[8192];
  if (!Exchange(fd, up, answer, sizeof(answer))) return false;
  const auto* link =
      static_cast<const ifinfomsg*>(NLMSG_DATA(reinterpret_cast<const nlmsghdr*>(answer)));
  const int index = link->ifi_index;

  Message setup;
  const uint32_t own = htonl(0x0a0a0002);
  const uint32_t gateway = htonl(0x0a0a0001);
  nlmsghdr* header = setup.Begin(RTM_NEWADDR, NLM_F_CREATE);
  auto* address = static_cast<ifaddrmsg*>(setup.Add(sizeof(ifaddrmsg)));
  address->ifa_family = AF_INET;
  address->ifa_prefixlen = 24;
  address->ifa_index = static_cast<uint32_t>(index);
  setup.Attribute(IFA_LOCAL, &own, sizeof(own));
  setup.End(header);
  header = setup.Begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK);
  auto* route = static_cast<rtmsg*>(setup.Add(sizeof(rtmsg)));
  route->rtm_family = AF_INET;
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_BOOT;
  route->rtm_type = RTN_UNICAST;
  setup.Attribute(RTA_GATEWAY, &gateway, sizeof(gateway));
  setup.Attribute(RTA_OIF, &index, sizeof(index));
  setup.End(header);
  const bool done = Exchange(fd, setup, answer, sizeof(answer)) && IsDone(answer);
  close(fd);
  return done;
}

}  // namespace tiny::bench
