// Published ports in detail, and what an attach costs, with real packets.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/network_namespace.h"
#include "net/nft_list.h"
#include "runtime/network/datagram_relay.h"
#include "runtime/network/firewall.h"
#include "runtime/network/loopback_relay.h"
#include "runtime/network/network_test_util.h"
#include "runtime/network/spoof_guard.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace {
int netlink_sends = 0;
}  // namespace

// Stands before the C library's: counts what this program sends to netlink sockets.
extern "C" ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  netlink_sends += domain == AF_NETLINK;
  return syscall(SYS_sendmsg, fd, message, flags);
}

namespace tiny::runtime {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::StatusIs;

class PublishTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  }
};

TEST_F(PublishTest, AnAttachTakesSixRoundTripsAtMost) {
  InHost([](LanHost& host) {
    FakeContainer first(*host.manager, '1');
    ASSERT_OK(first.Attach());
    FakeContainer second(*host.manager, '2');
    second.config.ports = {{.host_port = 8080, .container_port = 80}};
    netlink_sends = 0;
    ASSERT_OK(second.Attach());
    EXPECT_LE(netlink_sends, 6);
    EXPECT_GT(netlink_sends, 0);
    // Neither more containers nor more ports take more.
    const int sends = netlink_sends;
    FakeContainer third(*host.manager, '3');
    for (uint16_t i = 0; i < 100; ++i) {
      third.config.ports.push_back(
          {.host_port = static_cast<uint16_t>(9000 + i), .container_port = 80});
    }
    netlink_sends = 0;
    ASSERT_OK(third.Attach());
    EXPECT_EQ(netlink_sends, sends);
  });
}

size_t RulesOf(const net::NftTable& table) {
  auto netfilter = net::NetlinkSocket::Open(NETLINK_NETFILTER);
  const auto rules = net::ListNftRules(*netfilter, table);
  EXPECT_OK(rules);
  return rules.ok() ? rules->size() : 0;
}

TEST_F(PublishTest, AThousandPortsAddNoRule) {
  InHost([](LanHost& host) {
    // The usual limit of a shell, with which all else goes on, and which containers inherit.
    rlimit files;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = 1024;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
    FakeContainer first(*host.manager, '1');
    ASSERT_OK(first.Attach());
    const size_t inet = RulesOf(Firewall::Table());
    const size_t bridge = RulesOf(SpoofGuard::Table());
    FakeContainer second(*host.manager, '2');
    for (uint16_t i = 0; i < 1000; ++i) {
      const auto port = static_cast<uint16_t>(20000 + i);
      second.config.ports.push_back({.host_port = port, .container_port = port});
    }
    ASSERT_OK(second.Attach());
    EXPECT_EQ(RulesOf(Firewall::Table()), inet);
    EXPECT_EQ(RulesOf(SpoofGuard::Table()), bridge);
    EXPECT_EQ(second.attachment.port_holders.size(), 2000u);
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
    EXPECT_EQ(files.rlim_cur, 1024u);
    EchoPeer server(second.process.netns(), SOCK_STREAM, 20999);
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "192.0.2.1", 20999), "192.0.2.2");
    // A supervisor that takes the container over.
    second.attachment.port_holders.clear();
    EXPECT_EQ(host.manager->HoldPorts(second.attachment.ports).size(), 2000u);
  });
}

void PublishMany(FakeContainer& container, uint16_t count) {
  for (uint16_t i = 0; i < count; ++i) {
    container.config.ports.push_back(
        {.host_port = static_cast<uint16_t>(20000 + i), .container_port = 80});
  }
}

TEST_F(PublishTest, AStartWithoutDescriptorsLeavesNoPortTaken) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    PublishMany(container, 200);
    const rlimit few = {.rlim_cur = 100, .rlim_max = 100};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    EXPECT_THAT(container.Attach(), StatusIs(absl::StatusCode::kResourceExhausted));
    EXPECT_THAT(ListDirectory(host.root.Path("run/leases/ports")).value(), ::testing::IsEmpty());
  });
}

TEST_F(PublishTest, ElementsOfTheDeadGoInFewTransactionsThoughSomeAreGone) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    PublishMany(container, 200);
    ASSERT_OK(container.Attach());
    ASSERT_OK_AND_ASSIGN(auto netfilter, net::NetlinkSocket::Open(NETLINK_NETFILTER));
    const auto elements = [&] {
      return net::ListNftElements(netfilter, Firewall::Table(), "dnat4_any").value();
    };
    std::vector<Firewall::Entry> half;
    for (const net::NftElement& element : elements()) {
      if (half.size() < 100) half.push_back({"dnat4_any", element});
    }
    ASSERT_OK(Firewall::Remove(netfilter, half));
    ASSERT_EQ(elements().size(), 100u);
    container.process.Kill();
    netlink_sends = 0;
    ASSERT_OK(host.manager->Sweep());
    EXPECT_LE(netlink_sends, 20);
    EXPECT_EQ(elements().size(), 0u);
  });
}

// A client that keeps its socket, and so is one flow to the kernel.
class UdpClient {
 public:
  UdpClient(int netns, const char* address, uint16_t port) {
    EXPECT_OK(net::RunInNetworkNamespace(netns, [&] {
      fd_.Reset(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      return absl::OkStatus();
    }));
    peer_.sin_family = AF_INET;
    peer_.sin_port = htons(port);
    inet_pton(AF_INET, address, &peer_.sin_addr);
  }
  void Send() {
    (void)!sendto(fd_.get(), "?", 1, 0, reinterpret_cast<sockaddr*>(&peer_), sizeof(peer_));
  }
  // Sends once and returns what comes within a second.
  std::string Ask(EchoPeer& server, int milliseconds = 1000) {
    char old[64];
    while (recv(fd_.get(), old, sizeof(old), 0) >= 0) {
      // An answer to what an earlier Send asked.
    }
    Send();
    for (int waited = 0; waited < milliseconds; waited += 10) {
      server.Serve();
      pollfd ready = {fd_.get(), POLLIN, 0};
      if (poll(&ready, 1, 10) <= 0) continue;
      char text[64];
      const ssize_t size = recv(fd_.get(), text, sizeof(text), 0);
      if (size > 0) return std::string(text, static_cast<size_t>(size));
    }
    return "";
  }

 private:
  UniqueFd fd_;
  sockaddr_in peer_ = {};
};

TEST_F(PublishTest, AClientThatNeverStopsSendingReachesARestartedUdpServer) {
  InHost([](LanHost& host) {
    const std::vector<state::PortMapping> ports = {
        {.host_port = 5353, .container_port = 53, .protocol = "udp"}};
    UdpClient outside(host.neighbour.netns(), "192.0.2.1", 5353);
    UdpClient local(-1, "127.0.0.1", 5353);
    // Before there is any server: the kernel remembers where it was not.
    outside.Send();
    local.Send();
    auto first = std::make_unique<FakeContainer>(*host.manager, '1');
    first->config.ports = ports;
    ASSERT_OK(first->Attach());
    ASSERT_OK(host.manager->ForgetConnections(first->attachment.ports));
    {
      EchoPeer server(first->process.netns(), SOCK_DGRAM, 53);
      EXPECT_EQ(outside.Ask(server), "192.0.2.2");
      EXPECT_EQ(local.Ask(server), "10.10.0.1");
    }
    // It ends, and its address goes to another that publishes nothing.
    ASSERT_OK(host.manager->Detach(first->config.id, first->attachment.endpoints,
                                   first->attachment.ports));
    first.reset();
    FakeContainer other(*host.manager, '2');
    ASSERT_OK(other.Attach());
    ASSERT_EQ(other.ip(), "10.10.0.2");
    EchoPeer wrong(other.process.netns(), SOCK_DGRAM, 53);
    EXPECT_EQ(outside.Ask(wrong, 200), "");
    EXPECT_EQ(local.Ask(wrong, 200), "");
    // The server is back, at another address.
    FakeContainer second(*host.manager, '3');
    second.config.ports = ports;
    ASSERT_OK(second.Attach());
    ASSERT_OK(host.manager->ForgetConnections(second.attachment.ports));
    EchoPeer server(second.process.netns(), SOCK_DGRAM, 53);
    EXPECT_EQ(outside.Ask(server), "192.0.2.2");
    EXPECT_EQ(local.Ask(server), "10.10.0.1");
    // Live changes, too.
    ASSERT_OK(host.manager->Unpublish(second.config.id, second.attachment.ports));
    EXPECT_EQ(outside.Ask(server, 200), "");
    second.attachment.port_holders.clear();
    ASSERT_OK(host.manager->Publish(second.config.id, second.process.identity(),
                                    second.attachment.endpoints, ports));
    EXPECT_EQ(outside.Ask(server), "192.0.2.2");
    EXPECT_EQ(local.Ask(server), "10.10.0.1");
  });
}

TEST_F(PublishTest, Version6IsReachedFromOutsideAndByTheHostsAddress) {
  InHost([](LanHost& host) {
    ASSERT_OK(host.manager->Create({.name = "six", .ipv6 = true}));
    FakeContainer container(*host.manager, '1');
    container.config.networks = {{.network = "six"}};
    container.config.ports = {{.host_port = 8080, .container_port = 80},
                              {.host_ip = "2001:db8::1", .host_port = 8081, .container_port = 80}};
    ASSERT_OK(container.Attach());
    FakeContainer sibling(*host.manager, '2');
    sibling.config.networks = {{.network = "six"}};
    ASSERT_OK(sibling.Attach());
    EchoPeer server(container.process.netns(), SOCK_STREAM, 80, /*v6=*/true);
    for (const uint16_t port : {8080, 8081}) {
      EXPECT_EQ(server.Ask(host.neighbour.netns(), "2001:db8::1", port), "2001:db8::2");
      EXPECT_EQ(server.Ask(-1, "2001:db8::1", port), "2001:db8::1");
      // The hairpin: the gateway's address is seen.
      EXPECT_EQ(server.Ask(sibling.process.netns(), "2001:db8::1", port),
                sibling.attachment.endpoints[0].gateway6);
    }
    // What is not published is closed.
    EXPECT_EQ(server.Ask(host.neighbour.netns(), container.attachment.endpoints[0].ip6, 80, 200),
              "");
  });
}

// A socket that is connected to [::1].
UniqueFd ConnectLoopback6(int type, uint16_t port) {
  UniqueFd client(socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in6 peer = {};
  peer.sin6_family = AF_INET6;
  peer.sin6_port = htons(port);
  peer.sin6_addr = in6addr_loopback;
  const bool begun = connect(client.get(), reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) == 0 ||
                     errno == EINPROGRESS;
  return begun ? std::move(client) : UniqueFd();
}

// What a client at [::1] gets, while a relay and a server do their part: all of a connection, or
// one datagram.
std::string AskLoopback6(LoopbackRelay& relay, EchoPeer& server, const UniqueFd& client) {
  std::string text;
  for (int round = 0; client && round < 200; ++round) {
    relay.OnReadable();
    server.Serve();
    pollfd ready = {client.get(), POLLIN, 0};
    if (poll(&ready, 1, 10) <= 0) continue;
    char buffer[64];
    const ssize_t size = recv(client.get(), buffer, sizeof(buffer), 0);
    if (size <= 0) break;
    text.append(buffer, static_cast<size_t>(size));
    if (server.type() == SOCK_DGRAM) break;
  }
  return text;
}

std::string AskLoopback6(LoopbackRelay& relay, EchoPeer& server, uint16_t port) {
  const UniqueFd client = ConnectLoopback6(server.type(), port);
  if (client && server.type() == SOCK_DGRAM) (void)!send(client.get(), "?", 1, 0);
  return AskLoopback6(relay, server, client);
}

std::unique_ptr<LoopbackRelay> RelayOf(const FakeContainer& container) {
  return LoopbackRelay::Open(container.attachment.port_holders, container.attachment.ports,
                             container.attachment.endpoints);
}

TEST_F(PublishTest, LoopbackOfVersion6IsServedByARelay) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    container.config.ports = {{.host_port = 8080, .container_port = 80},
                              {.host_ip = "::1", .host_port = 8081, .container_port = 80},
                              {.host_ip = "127.0.0.1", .host_port = 8082, .container_port = 80}};
    ASSERT_OK(container.Attach());
    EchoPeer server(container.process.netns(), SOCK_STREAM, 80);
    auto relay = RelayOf(container);
    ASSERT_NE(relay, nullptr);
    EXPECT_EQ(AskLoopback6(*relay, server, 8080), "10.10.0.1");
    EXPECT_EQ(AskLoopback6(*relay, server, 8081), "10.10.0.1");
    EXPECT_EQ(AskLoopback6(*relay, server, 8082), "");
    // What is published on ::1 is to be had nowhere else.
    EXPECT_EQ(server.Ask(-1, "127.0.0.1", 8081, 200), "");
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "192.0.2.1", 8081, 200), "");
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "2001:db8::1", 8081, 200), "");
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "2001:db8::1", 8080, 200), "");
    EXPECT_EQ(server.Ask(-1, "127.0.0.1", 8080), "10.10.0.1");
    // And goes through the relay even where the container has IPv6 and NAT66.
    FakeContainer second(*host.manager, '2');
    ASSERT_OK(host.manager->Create({.name = "six", .ipv6 = true}));
    second.config.networks = {{.network = "six"}};
    second.config.ports = {{.host_port = 9090, .container_port = 80}};
    ASSERT_OK(second.Attach());
    EchoPeer other(second.process.netns(), SOCK_STREAM, 80);
    relay = RelayOf(second);
    ASSERT_NE(relay, nullptr);
    EXPECT_EQ(AskLoopback6(*relay, other, 9090), second.attachment.endpoints[0].gateway);
    FakeContainer third(*host.manager, '3');
    third.config.ports = {
        {.host_ip = "::1", .host_port = 53, .container_port = 53, .protocol = "sctp"}};
    EXPECT_THAT(third.Attach(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("::1")));
  });
}

TEST_F(PublishTest, LoopbackOfVersion6IsServedByARelayOfDatagrams) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    container.config.ports = {
        {.host_port = 5353, .container_port = 53, .protocol = "udp"},
        {.host_ip = "::1", .host_port = 5354, .container_port = 53, .protocol = "udp"},
        {.host_ip = "127.0.0.1", .host_port = 5355, .container_port = 53, .protocol = "udp"}};
    ASSERT_OK(container.Attach());
    EchoPeer server(container.process.netns(), SOCK_DGRAM, 53);
    auto relay = RelayOf(container);
    ASSERT_NE(relay, nullptr);
    EXPECT_EQ(AskLoopback6(*relay, server, 5353), "10.10.0.1");
    EXPECT_EQ(AskLoopback6(*relay, server, 5354), "10.10.0.1");
    EXPECT_EQ(AskLoopback6(*relay, server, 5355), "");
    EXPECT_EQ(server.Ask(-1, "127.0.0.1", 5354, 200), "");
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "2001:db8::1", 5354, 200), "");
    EXPECT_EQ(server.Ask(-1, "127.0.0.1", 5353), "10.10.0.1");
    // Two clients that talk at the same time, each with its own answer.
    const UniqueFd first = ConnectLoopback6(SOCK_DGRAM, 5353);
    const UniqueFd second = ConnectLoopback6(SOCK_DGRAM, 5353);
    for (int round = 0; round < 3; ++round) {
      ASSERT_EQ(send(first.get(), "?", 1, 0), 1);
      ASSERT_EQ(send(second.get(), "?", 1, 0), 1);
      EXPECT_EQ(AskLoopback6(*relay, server, second), "10.10.0.1");
      EXPECT_EQ(AskLoopback6(*relay, server, first), "10.10.0.1");
    }
  });
}

size_t OpenDescriptors() { return ListDirectory("/proc/self/fd")->size(); }

TEST_F(PublishTest, TheRelayOfDatagramsKeepsABoundedNumberOfClients) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    container.config.ports = {{.host_port = 5353, .container_port = 53, .protocol = "udp"}};
    ASSERT_OK(container.Attach());
    EchoPeer server(container.process.netns(), SOCK_DGRAM, 53);
    auto relay = RelayOf(container);
    ASSERT_NE(relay, nullptr);
    const size_t before = OpenDescriptors();
    const UniqueFd oldest = ConnectLoopback6(SOCK_DGRAM, 5353);
    ASSERT_EQ(send(oldest.get(), "?", 1, 0), 1);
    EXPECT_EQ(AskLoopback6(*relay, server, oldest), "10.10.0.1");
    for (size_t i = 0; i < DatagramRelay::kMaxClients + 10; ++i) {
      ASSERT_EQ(AskLoopback6(*relay, server, 5353), "10.10.0.1") << i;
    }
    EXPECT_EQ(OpenDescriptors(), before + 1 + DatagramRelay::kMaxClients);
    // The one that was given up is served again when it asks.
    ASSERT_EQ(send(oldest.get(), "?", 1, 0), 1);
    EXPECT_EQ(AskLoopback6(*relay, server, oldest), "10.10.0.1");
    relay.reset();
    EXPECT_EQ(OpenDescriptors(), before);
  });
}

// Megabytes in both directions at once, with ends that close one after the other.
TEST_F(PublishTest, TheRelayKeepsEveryByteAndPassesHalfCloses) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    container.config.ports = {{.host_port = 8080, .container_port = 80}};
    ASSERT_OK(container.Attach());
    UniqueFd listener;
    ASSERT_OK(net::RunInNetworkNamespace(container.process.netns(), [&] {
      listener.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      return absl::OkStatus();
    }));
    sockaddr_in any = {};
    any.sin_family = AF_INET;
    any.sin_port = htons(80);
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&any), sizeof(any)), 0);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    auto relay = RelayOf(container);
    ASSERT_NE(relay, nullptr);
    const UniqueFd client = ConnectLoopback6(SOCK_STREAM, 8080);
    ASSERT_TRUE(client);
    pollfd waiting = {listener.get(), POLLIN, 0};
    do {
      relay->OnReadable();
    } while (poll(&waiting, 1, 10) <= 0);
    const UniqueFd server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    constexpr size_t kSize = size_t{3} << 20;
    std::string sent[2];
    std::string received[2];
    const int ends[2] = {client.get(), server.get()};
    size_t written[2] = {0, 0};
    bool over[2] = {false, false};
    for (int end : {0, 1}) {
      for (size_t i = 0; i < kSize; ++i) sent[end].push_back(static_cast<char>(i * (7 + end) >> 4));
    }
    for (int round = 0; round < 100000 && !(over[0] && over[1]); ++round) {
      relay->OnReadable();
      for (int end : {0, 1}) {
        if (written[end] < kSize) {
          const ssize_t size = send(ends[end], sent[end].data() + written[end],
                                    kSize - written[end], MSG_DONTWAIT | MSG_NOSIGNAL);
          if (size > 0) written[end] += static_cast<size_t>(size);
          if (written[end] == kSize) shutdown(ends[end], SHUT_WR);
        }
        char buffer[65536];
        const ssize_t size = recv(ends[end], buffer, sizeof(buffer), MSG_DONTWAIT);
        if (size > 0) received[end].append(buffer, static_cast<size_t>(size));
        if (size == 0) over[end] = true;
      }
    }
    EXPECT_TRUE(over[0] && over[1]);
    EXPECT_TRUE(received[0] == sent[1]);
    EXPECT_TRUE(received[1] == sent[0]);
  });
}

}  // namespace
}  // namespace tiny::runtime
