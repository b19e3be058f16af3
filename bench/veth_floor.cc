#include "bench/veth_floor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <initializer_list>

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

struct Field {
  uint16_t type;
  const void* bytes;
  size_t size;
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

void Up(Message& message, const char* name, int index) {
  nlmsghdr* header = message.Begin(RTM_NEWLINK, 0);
  auto* link = static_cast<ifinfomsg*>(message.Add(sizeof(ifinfomsg)));
  link->ifi_index = index;
  link->ifi_flags = link->ifi_change = IFF_UP;
  if (index == 0) message.Attribute(IFLA_IFNAME, name, strlen(name) + 1);
  message.End(header);
}

void Get(Message& message, const char* name) {
  nlmsghdr* header = message.Begin(RTM_GETLINK, 0);
  message.Add(sizeof(ifinfomsg));
  message.Attribute(IFLA_IFNAME, name, strlen(name) + 1);
  const uint32_t mask = RTEXT_FILTER_SKIP_STATS;
  message.Attribute(IFLA_EXT_MASK, &mask, sizeof(mask));
  message.End(header);
}

// The index of the peer in an answer to Get.
int PeerOf(const char* answer) {
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer);
  if (header->nlmsg_type != RTM_NEWLINK) return 0;
  size_t offset = NLMSG_LENGTH(sizeof(ifinfomsg));
  while (offset < header->nlmsg_len) {
    const auto* attribute = reinterpret_cast<const nlattr*>(answer + offset);
    if (attribute->nla_type == IFLA_LINK) return *reinterpret_cast<const int*>(attribute + 1);
    offset += NLMSG_ALIGN(attribute->nla_len);
  }
  return 0;
}

void AddVeth(Message& message, int bridge, int netns, const char* name) {
  nlmsghdr* header = message.Begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.Add(sizeof(ifinfomsg));
  message.Attribute(IFLA_IFNAME, name, strlen(name) + 1);
  message.Attribute(IFLA_MASTER, &bridge, sizeof(bridge));
  const uint32_t queues = 1;
  message.Attribute(IFLA_NUM_TX_QUEUES, &queues, sizeof(queues));
  message.Attribute(IFLA_NUM_RX_QUEUES, &queues, sizeof(queues));
  nlattr* info = message.Attribute(IFLA_LINKINFO, nullptr, 0);
  message.Attribute(IFLA_INFO_KIND, "veth", 5);
  nlattr* data = message.Attribute(IFLA_INFO_DATA, nullptr, 0);
  nlattr* peer = message.Attribute(VETH_INFO_PEER, nullptr, 0);
  message.Add(sizeof(ifinfomsg));
  message.Attribute(IFLA_IFNAME, "eth0", 5);
  message.Attribute(IFLA_NUM_TX_QUEUES, &queues, sizeof(queues));
  message.Attribute(IFLA_NUM_RX_QUEUES, &queues, sizeof(queues));
  message.Attribute(IFLA_NET_NS_FD, &netns, sizeof(netns));
  message.Close(peer);
  message.Close(data);
  message.Close(info);
  message.End(header);
  header = message.Begin(RTM_NEWLINK, 0);
  message.Add(sizeof(ifinfomsg));
  message.Attribute(IFLA_IFNAME, name, strlen(name) + 1);
  nlattr* families = message.Attribute(IFLA_AF_SPEC | NLA_F_NESTED, nullptr, 0);
  nlattr* inet6 = message.Attribute(AF_INET6 | NLA_F_NESTED, nullptr, 0);
  const uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
  message.Attribute(IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
  message.Close(inet6);
  message.Close(families);
  message.End(header);
  Get(message, name);
  header = message.Begin(RTM_NEWLINK, 0);
  auto* link = static_cast<ifinfomsg*>(message.Add(sizeof(ifinfomsg)));
  link->ifi_flags = link->ifi_change = IFF_UP;
  message.Attribute(IFLA_IFNAME, name, strlen(name) + 1);
  info = message.Attribute(IFLA_LINKINFO, nullptr, 0);
  message.Attribute(IFLA_INFO_SLAVE_KIND, "bridge", 7);
  data = message.Attribute(IFLA_INFO_SLAVE_DATA, nullptr, 0);
  const char hairpin = 1;
  message.Attribute(IFLA_BRPORT_MODE, &hairpin, sizeof(hairpin));
  message.Close(data);
  message.Close(info);
  message.End(header);
}

bool SetUpInside(int netns, int own_netns, int index) {
  if (setns(netns, CLONE_NEWNET) != 0) return false;
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  const int sysctl = open("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", O_WRONLY | O_CLOEXEC);
  (void)!write(sysctl, "1", 1);
  close(sysctl);
  if (setns(own_netns, CLONE_NEWNET) != 0) return false;
  Message setup;
  Up(setup, "lo", 0);
  Up(setup, nullptr, index);
  const uint32_t own = htonl(0x0a0a0002);
  const uint32_t gateway = htonl(0x0a0a0001);
  nlmsghdr* header = setup.Begin(RTM_NEWADDR, NLM_F_CREATE);
  auto* address = static_cast<ifaddrmsg*>(setup.Add(sizeof(ifaddrmsg)));
  address->ifa_family = AF_INET;
  address->ifa_prefixlen = 16;
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
  char answer[8192];
  const bool done = Exchange(fd, setup, answer, sizeof(answer)) && IsDone(answer);
  close(fd);
  return done;
}

void Nfgen(Message& message, uint8_t family, uint16_t resource) {
  auto* header = static_cast<nfgenmsg*>(message.Add(sizeof(nfgenmsg)));
  header->nfgen_family = family;
  header->res_id = htons(resource);
}

void Element(Message& message, uint8_t family, const char* set, const void* key, size_t key_size,
             const void* data, size_t data_size, bool last) {
  nlmsghdr* header = message.Begin(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM,
                                   static_cast<uint16_t>(NLM_F_CREATE | (last ? NLM_F_ACK : 0)));
  Nfgen(message, family, 0);
  message.Attribute(NFTA_SET_ELEM_LIST_TABLE, "tiny", 5);
  message.Attribute(NFTA_SET_ELEM_LIST_SET, set, strlen(set) + 1);
  nlattr* list = message.Attribute(NFTA_SET_ELEM_LIST_ELEMENTS, nullptr, 0);
  nlattr* element = message.Attribute(NFTA_LIST_ELEM, nullptr, 0);
  for (const auto& [type, bytes, size] :
       {Field{NFTA_SET_ELEM_KEY, key, key_size}, Field{NFTA_SET_ELEM_DATA, data, data_size}}) {
    if (size == 0) continue;
    nlattr* value = message.Attribute(type | NLA_F_NESTED, nullptr, 0);
    message.Attribute(NFTA_DATA_VALUE, bytes, size);
    message.Close(value);
  }
  element->nla_type |= NLA_F_NESTED;
  list->nla_type |= NLA_F_NESTED;
  message.Close(element);
  message.Close(list);
  message.End(header);
}

// The container's elements: its port, its MAC address, its IP address, and a published port.
bool AddElements(int fd, const char* name) {
  Message batch;
  nlmsghdr* header = batch.Begin(NFNL_MSG_BATCH_BEGIN, 0);
  Nfgen(batch, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  batch.End(header);
  struct {
    char port[IFNAMSIZ];
    unsigned char mac[8];  // the set's fields are whole words
    unsigned char ip[4];
  } key = {{}, {0x02, 0x42, 0x0a, 0x0a, 0, 2}, {0x0a, 0x0a, 0, 2}};
  memcpy(key.port, name, strnlen(name, sizeof(key.port) - 1));
  Element(batch, NFPROTO_BRIDGE, "ports", &key, sizeof(key.port), nullptr, 0, false);
  Element(batch, NFPROTO_BRIDGE, "macs", &key, sizeof(key.port) + sizeof(key.mac), nullptr, 0,
          false);
  Element(batch, NFPROTO_BRIDGE, "addresses4", &key, sizeof(key), nullptr, 0, false);
  const char port[8] = {IPPROTO_TCP, 0, 0, 0, 0x27, 0x0f, 0, 0};
  const char target[8] = {0x0a, 0x0a, 0, 2, 0, 80, 0, 0};
  Element(batch, NFPROTO_INET, "dnat4_any", port, sizeof(port), target, sizeof(target), true);
  header = batch.Begin(NFNL_MSG_BATCH_END, 0);
  Nfgen(batch, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  batch.End(header);
  char answer[4096];
  return Exchange(fd, batch, answer, sizeof(answer)) && IsDone(answer);
}

}  // namespace

bool VethFloor(int route_socket, int netfilter_socket, int own_netns, int bridge, int netns,
               const char* name) {
  Message message;
  AddVeth(message, bridge, netns, name);
  char answer[8192];
  if (!Exchange(route_socket, message, answer, sizeof(answer))) return false;
  const int peer = PeerOf(answer);
  if (peer == 0 || !SetUpInside(netns, own_netns, peer)) return false;
  // The kernel takes note that both ends are up.
  message.size = 0;
  Get(message, name);
  return Exchange(route_socket, message, answer, sizeof(answer)) &&
         AddElements(netfilter_socket, name);
}

}  // namespace tiny::bench
