// What a container with raw sockets may put on its network: its own addresses only.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/link.h"
#include "net/network_namespace.h"
#include "net/nft_batch.h"
#include "net/nft_list.h"
#include "net/route.h"
#include "runtime/network/network_test_util.h"
#include "runtime/network/spoof_guard.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;

std::string Bytes(const net::MacAddress& mac) {
  return std::string(reinterpret_cast<const char*>(mac.data()), mac.size());
}

std::string Bytes(const std::string& address) {
  return std::string(net::ParseIpAddress(address)->View());
}

std::string Be16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string Frame(const net::MacAddress& source, unsigned protocol, const std::string& payload,
                  const std::string& destination = std::string(6, '\xff')) {
  return destination + Bytes(source) + Be16(protocol) + payload;
}

// An announcement that the address is at that MAC address (RFC 5227).
std::string Arp(const net::MacAddress& source, const net::MacAddress& sender,
                const std::string& address) {
  return Frame(source, ETH_P_ARP,
               Be16(1) + Be16(ETH_P_IP) + "\x06\x04" + Be16(2) + Bytes(sender) + Bytes(address) +
                   Bytes(sender) + Bytes(address));
}

uint16_t Checksum(const std::string& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    const auto high = static_cast<uint8_t>(bytes[i]);
    const auto low = i + 1 < bytes.size() ? static_cast<uint8_t>(bytes[i + 1]) : 0;
    sum += static_cast<uint32_t>(high << 8 | low);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

std::string Ipv4(const net::MacAddress& source, const std::string& address) {
  std::string header = std::string("\x45\0", 2) + Be16(28) + std::string(4, '\0') +
                       std::string("\x40\xfd", 2) + std::string(2, '\0') + Bytes(address) +
                       Bytes("224.0.0.77");
  header.replace(10, 2, Be16(Checksum(header)));
  return Frame(source, ETH_P_IP, header + "spoofed?");
}

std::string Ipv6(const net::MacAddress& source, const std::string& address, uint8_t next,
                 std::string payload) {
  const std::string to = Bytes("ff02::1");
  if (next == IPPROTO_ICMPV6) {
    const std::string pseudo = Bytes(address) + to + std::string(2, '\0') +
                               Be16(static_cast<unsigned>(payload.size())) + std::string(3, '\0') +
                               static_cast<char>(next);
    payload.replace(2, 2, Be16(Checksum(pseudo + payload)));
  }
  return Frame(source, ETH_P_IPV6,
               std::string("\x60\0\0\0", 4) + Be16(static_cast<unsigned>(payload.size())) +
                   static_cast<char>(next) + '\xff' + Bytes(address) + to + payload,
               std::string("\x33\x33\0\0\0\x01", 6));
}

std::string Icmp6(uint8_t type, const std::string& rest) {
  return std::string(1, static_cast<char>(type)) + std::string(3, '\0') + rest;
}

// A default router for half an hour, with an on-link prefix to make addresses of.
std::string RouterAdvertisement() {
  return Icmp6(134, std::string("\x40\0", 2) + Be16(1800) + std::string(8, '\0') +
                        std::string("\x03\x04\x40\xc0", 4) + std::string("\0\0\x0e\x10", 4) +
                        std::string("\0\0\x0e\x10", 4) + std::string(4, '\0') +
                        Bytes("2001:db8:bad::"));
}

// Raw frames in and out of an interface of a namespace.
class Wire {
 public:
  Wire(int netns, const char* interface) {
    EXPECT_OK(net::RunInNetworkNamespace(netns, [&] {
      fd_.Reset(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
      return absl::OkStatus();
    }));
    auto route = net::NetlinkSocket::OpenIn(netns, NETLINK_ROUTE);
    const auto link = net::GetLink(*route, net::LinkRef(interface));
    EXPECT_OK(link);
    mac_ = link->mac.value_or(net::MacAddress());
    sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = link->index;
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  const net::MacAddress& mac() const { return mac_; }
  void Send(const std::string& frame) {
    EXPECT_EQ(send(fd_.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  }
  // All frames that come, up to the one that is `last`.
  std::vector<std::string> ReceiveUntil(const std::string& last) {
    std::vector<std::string> frames;
    pollfd ready = {fd_.get(), POLLIN, 0};
    while (poll(&ready, 1, 5000) > 0) {
      char buffer[2048];
      const ssize_t size = recv(fd_.get(), buffer, sizeof(buffer), 0);
      if (size > 0) frames.emplace_back(buffer, static_cast<size_t>(size));
      if (!frames.empty() && frames.back() == last) return frames;
    }
    ADD_FAILURE() << "the last frame did not come";
    return frames;
  }

 private:
  UniqueFd fd_;
  net::MacAddress mac_ = {};
};

// Two containers on a network with IPv6: "attacker" and "victim".
struct Neighbours : LanHost {
  Neighbours() {
    EXPECT_OK(manager->Create(
        {.name = "six", .subnet = "10.50.0.0/24", .subnet6 = "fd00:50::/64", .ipv6 = true}));
    for (auto* container : {&attacker, &victim}) {
      *container = std::make_unique<FakeContainer>(*manager, container == &attacker ? '1' : '2');
      (*container)->config.networks = {{.network = "six"}};
      EXPECT_OK((*container)->Attach());
    }
    bridge = manager->Inspect("six")->interface_name;
  }
  const state::NetworkEndpoint& endpoint(const FakeContainer& container) {
    return container.attachment.endpoints[0];
  }

  std::unique_ptr<FakeContainer> attacker, victim;
  std::string bridge;
};

// With the inet table, which sees bridged packets, too, where br_netfilter is on.
void RemoveGuards() {
  auto netfilter = net::NetlinkSocket::Open(NETLINK_NETFILTER);
  net::NftBatch batch(SpoofGuard::Table());
  batch.DeleteTable();
  batch.Use(Firewall::Table());
  batch.DeleteTable();
  ASSERT_OK(batch.Commit(*netfilter));
}

struct Spoof {
  const char* what;
  std::string frame;
};

std::vector<Spoof> Spoofs(const net::MacAddress& own, const net::MacAddress& other,
                          const std::string& own_ip6, const std::string& victim_ip) {
  const auto advertisement = [](const std::string& target) {
    return Icmp6(136, std::string("\x20\0\0\0", 4) + Bytes(target));
  };
  return {
      {"another's MAC address", Frame(other, 0x88b5, "experimental")},
      {"the gateway's address by ARP", Arp(own, own, "10.50.0.1")},
      {"the victim's address by ARP", Arp(own, own, victim_ip)},
      {"another's MAC address inside ARP", Arp(own, other, "10.50.0.2")},
      {"the victim's IPv4 address", Ipv4(own, victim_ip)},
      {"an outsider's IPv4 address", Ipv4(own, "192.0.2.2")},
      {"an IPv6 address", Ipv6(own, "fd00:50::99", 59, "spoofed?")},
      {"a neighbour advertisement",
       Ipv6(own, own_ip6, IPPROTO_ICMPV6, advertisement("fd00:50::1"))},
      {"a router advertisement", Ipv6(own, "fe80::1", IPPROTO_ICMPV6, RouterAdvertisement())},
      {"a redirect", Ipv6(own, own_ip6, IPPROTO_ICMPV6, Icmp6(137, std::string(36, '\0')))},
  };
}

class SpoofTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  }
};

TEST_F(SpoofTest, OnlyOwnAddressesGetOntoTheNetwork) {
  RunIsolated(CLONE_NEWNET, [] {
    Neighbours network;
    Wire attacker(network.attacker->process.netns(), "eth0");
    Wire victim(network.victim->process.netns(), "eth0");
    const std::string own_ip6 = network.endpoint(*network.attacker).ip6;
    const auto spoofs = Spoofs(attacker.mac(), victim.mac(), own_ip6, network.victim->ip());
    const std::vector<Spoof> honest = {
        {"any frame", Frame(attacker.mac(), 0x88b5, "of its own")},
        {"an ARP probe", Arp(attacker.mac(), attacker.mac(), "0.0.0.0")},
        {"ARP", Arp(attacker.mac(), attacker.mac(), network.attacker->ip())},
        {"IPv4", Ipv4(attacker.mac(), network.attacker->ip())},
        {"IPv6", Ipv6(attacker.mac(), own_ip6, 59, "spoofed?")},
        {"a link-local address", Ipv6(attacker.mac(), "fe80::42:aff:fe32:2", 59, "spoofed?")},
        {"no address", Ipv6(attacker.mac(), "::", 59, "spoofed?")},
        {"its own advertisement", Ipv6(attacker.mac(), own_ip6, IPPROTO_ICMPV6,
                                       Icmp6(136, std::string("\x20\0\0\0", 4) + Bytes(own_ip6)))},
    };
    for (const Spoof& spoof : spoofs) attacker.Send(spoof.frame);
    for (const Spoof& each : honest) attacker.Send(each.frame);
    auto seen = victim.ReceiveUntil(honest.back().frame);
    for (const Spoof& spoof : spoofs) EXPECT_THAT(seen, Not(Contains(spoof.frame))) << spoof.what;
    for (const Spoof& each : honest) EXPECT_THAT(seen, Contains(each.frame)) << each.what;
    // Without the tables they would arrive, every one.
    RemoveGuards();
    for (const Spoof& spoof : spoofs) attacker.Send(spoof.frame);
    seen = victim.ReceiveUntil(spoofs.back().frame);
    for (const Spoof& spoof : spoofs) EXPECT_THAT(seen, Contains(spoof.frame)) << spoof.what;
    // A reload knows which container is behind which port.
    ASSERT_OK(network.manager->Reload());
    for (const Spoof& spoof : spoofs) attacker.Send(spoof.frame);
    attacker.Send(honest.front().frame);
    seen = victim.ReceiveUntil(honest.front().frame);
    for (const Spoof& spoof : spoofs) EXPECT_THAT(seen, Not(Contains(spoof.frame))) << spoof.what;
  });
}

TEST_F(SpoofTest, ANeighboursTrafficCantBeTaken) {
  RunIsolated(CLONE_NEWNET, [] {
    Neighbours network;
    Wire attacker(network.attacker->process.netns(), "eth0");
    Wire victim(network.victim->process.netns(), "eth0");
    EchoPeer server(network.victim->process.netns(), SOCK_DGRAM, 7);
    EXPECT_EQ(server.Ask(-1, network.victim->ip(), 7), "10.50.0.1");
    // The bridge learns neither from a plain frame nor from one of the reserved addresses that it
    // keeps for itself.
    attacker.Send(Frame(victim.mac(), 0x88b5, "mine"));
    attacker.Send(Frame(victim.mac(), 0x88cc, "mine", std::string("\x01\x80\xc2\0\0\x0e", 6)));
    attacker.Send(Arp(attacker.mac(), attacker.mac(), network.victim->ip()));
    EXPECT_EQ(server.Ask(-1, network.victim->ip(), 7), "10.50.0.1");
    // The victim goes on believing in its gateway.
    ASSERT_OK_AND_ASSIGN(
        auto inside, net::NetlinkSocket::OpenIn(network.victim->process.netns(), NETLINK_ROUTE));
    const auto gateway = [&]() -> std::string {
      const auto neighbours = net::ListNeighbours(inside, AF_INET);
      if (!neighbours.ok()) return "";
      for (const net::NeighbourInfo& neighbour : *neighbours) {
        if (neighbour.address.ToString() == "10.50.0.1" && neighbour.mac) {
          return net::FormatMacAddress(*neighbour.mac);
        }
      }
      return "";
    };
    const std::string before = gateway();
    EXPECT_EQ(before, "02:42:0a:32:00:01");
    const std::string lie = Arp(attacker.mac(), attacker.mac(), "10.50.0.1");
    const std::string truth = Arp(attacker.mac(), attacker.mac(), network.attacker->ip());
    attacker.Send(lie);
    attacker.Send(truth);
    victim.ReceiveUntil(truth);
    EXPECT_EQ(gateway(), before);
    RemoveGuards();
    attacker.Send(lie);
    // The frame is seen here a moment before the kernel has believed it.
    for (int i = 0; i < 500 && gateway() == before; ++i) usleep(10000);
    EXPECT_EQ(gateway(), net::FormatMacAddress(attacker.mac()));
  });
}

TEST_F(SpoofTest, RouterAdvertisementsMoveNobody) {
  RunIsolated(CLONE_NEWNET, [] {
    Neighbours network;
    Wire attacker(network.attacker->process.netns(), "eth0");
    Wire victim(network.victim->process.netns(), "eth0");
    Wire bridge(-1, network.bridge.c_str());
    const auto state_of = [&](int netns) {
      auto socket = net::NetlinkSocket::OpenIn(netns, NETLINK_ROUTE);
      std::string text;
      const auto routes = net::ListRoutes(*socket, AF_INET6);
      for (const net::RouteInfo& route : *routes) {
        absl::StrAppend(&text, route.destination.ToString(), " via ", route.gateway.ToString(),
                        "\n");
      }
      const auto addresses = net::ListAddresses(*socket, 0, AF_INET6);
      for (const net::AddressInfo& address : *addresses) {
        absl::StrAppend(&text, address.prefix.ToString(), "\n");
      }
      return text;
    };
    const std::string victim_before = state_of(network.victim->process.netns());
    const std::string host_before = state_of(-1);
    // Even where the guard is gone: neither listens.
    RemoveGuards();
    const std::string lie = Ipv6(attacker.mac(), "fe80::1", IPPROTO_ICMPV6, RouterAdvertisement());
    attacker.Send(lie);
    victim.ReceiveUntil(lie);
    bridge.ReceiveUntil(lie);
    EXPECT_EQ(state_of(network.victim->process.netns()), victim_before);
    EXPECT_EQ(state_of(-1), host_before);
  });
}

TEST_F(SpoofTest, ANetworkOfVersion4HasNoVersion6) {
  RunIsolated(CLONE_NEWNET, [] {
    Neighbours network;
    FakeContainer plain(*network.manager, '3');
    ASSERT_OK(plain.Attach());
    // Nor has the host's end of any veth.
    ASSERT_OK_AND_ASSIGN(auto route, net::NetlinkSocket::Open(NETLINK_ROUTE));
    for (const FakeContainer* container : {&plain, network.victim.get()}) {
      ASSERT_OK_AND_ASSIGN(
          const auto link,
          net::GetLink(route, net::LinkRef(network.endpoint(*container).host_interface)));
      ASSERT_OK_AND_ASSIGN(const auto addresses, net::ListAddresses(route, link.index, AF_INET6));
      EXPECT_TRUE(addresses.empty());
    }
    ASSERT_OK(net::RunInNetworkNamespace(plain.process.netns(), [] {
      const UniqueFd fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in6 peer = {};
      peer.sin6_family = AF_INET6;
      peer.sin6_port = htons(80);
      inet_pton(AF_INET6, "2001:db8::2", &peer.sin6_addr);
      EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&peer), sizeof(peer)), -1);
      EXPECT_EQ(errno, ENETUNREACH);
      return absl::OkStatus();
    }));
  });
}

TEST_F(SpoofTest, NothingStaysOfAContainerThatIsGone) {
  RunIsolated(CLONE_NEWNET, [] {
    Neighbours network;
    auto netfilter = net::NetlinkSocket::Open(NETLINK_NETFILTER);
    const auto elements = [&] {
      size_t count = 0;
      for (const absl::string_view set : SpoofGuard::kSets) {
        count += net::ListNftElements(*netfilter, SpoofGuard::Table(), set)->size();
      }
      return count;
    };
    EXPECT_EQ(elements(), 8u);
    network.attacker->process.Kill();
    ASSERT_OK(network.manager->Sweep());
    EXPECT_EQ(elements(), 4u);
    ASSERT_OK(network.manager->Detach(network.victim->config.id,
                                      network.victim->attachment.endpoints, {}));
    EXPECT_EQ(elements(), 0u);
  });
}

}  // namespace
}  // namespace tiny::runtime
