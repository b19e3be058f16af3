// The resolver inside containers' namespaces, with a server of a neighbour behind it.
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "net/network_namespace.h"
#include "runtime/network/dns_message.h"
#include "runtime/network/lease_store.h"
#include "runtime/network/network_test_util.h"
#include "runtime/network/resolver.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;

UniqueFd SocketIn(int netns, int type) {
  UniqueFd fd;
  EXPECT_OK(net::RunInNetworkNamespace(netns, [&] {
    fd.Reset(socket(AF_INET, type | SOCK_CLOEXEC, 0));
    return absl::OkStatus();
  }));
  return fd;
}

sockaddr_in At(const char* address) {
  sockaddr_in result = {};
  result.sin_family = AF_INET;
  result.sin_port = htons(53);
  inet_pton(AF_INET, address, &result.sin_addr);
  return result;
}

struct Fixture : LanHost {
  Fixture() {
    upstream = SocketIn(neighbour.netns(), SOCK_DGRAM);
    const sockaddr_in here = At("192.0.2.2");
    EXPECT_EQ(bind(upstream.get(), reinterpret_cast<const sockaddr*>(&here), sizeof(here)), 0);
  }

  std::unique_ptr<Resolver> Open(FakeContainer& container) {
    ResolverOptions options;
    options.root = root.path();
    options.run_root = root.Path("run");
    options.resolv_conf = root.Write("resolv.conf", "nameserver 192.0.2.2\n");
    auto resolver = Resolver::Open(options, container.config, container.attachment.endpoints,
                                   container.process.netns());
    EXPECT_OK(resolver);
    return *std::move(resolver);
  }

  // Answers a forwarded question with 198.51.100.7.
  void ServeUpstream() {
    char buffer[512];
    sockaddr_in peer = {};
    socklen_t length = sizeof(peer);
    const ssize_t size = recvfrom(upstream.get(), buffer, sizeof(buffer), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&peer), &length);
    if (size < 0) return;
    ++forwarded;
    const absl::string_view query(buffer, static_cast<size_t>(size));
    const std::string answer = MakeDnsAnswer(query, *ParseDnsQuestion(query), kDnsNoError,
                                             {net::IpAddress::V4(0xc6336407)}, {});
    sendto(upstream.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer),
           length);
  }

  // The answer's bytes, by TCP with their length before them, or "" if none comes.
  std::string Ask(Resolver& resolver, int netns, absl::string_view name, DnsType type,
                  bool by_tcp = false) {
    const UniqueFd fd = SocketIn(netns, by_tcp ? SOCK_STREAM : SOCK_DGRAM);
    const sockaddr_in server = At("127.0.0.11");
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&server), sizeof(server)), 0);
    std::string query = MakeDnsQuery(0x1234, name, type);
    if (by_tcp) query = std::string({'\0', static_cast<char>(query.size())}) + query;
    EXPECT_EQ(send(fd.get(), query.data(), query.size(), 0), static_cast<ssize_t>(query.size()));
    std::string answer;
    for (int i = 0; i < 100; ++i) {
      pollfd ready[] = {
          {resolver.fd(), POLLIN, 0}, {upstream.get(), POLLIN, 0}, {fd.get(), POLLIN, 0}};
      poll(ready, 3, 10);
      if (ready[0].revents != 0) resolver.OnReadable();
      if (ready[1].revents != 0) ServeUpstream();
      if (ready[2].revents == 0) continue;
      char buffer[4096];
      const ssize_t size = recv(fd.get(), buffer, sizeof(buffer), 0);
      answer.append(buffer, size > 0 ? static_cast<size_t>(size) : 0);
      if (!by_tcp || size <= 0) return answer;
    }
    return "";
  }

  std::string Address(Resolver& resolver, int netns, absl::string_view name, bool by_tcp = false) {
    const auto address =
        FirstDnsAddress(Ask(resolver, netns, name, kDnsA, by_tcp).substr(by_tcp ? 2 : 0));
    return address ? address->ToString() : "";
  }

  UniqueFd upstream;
  int forwarded = 0;
};

class ResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  }
};

TEST_F(ResolverTest, KnowsTheContainersOfItsNetworksAndForwardsTheRest) {
  RunIsolated(CLONE_NEWNET, [] {
    Fixture fixture;
    ASSERT_OK(fixture.manager->Create({.name = "apps"}));
    ASSERT_OK(fixture.manager->Create({.name = "others"}));
    FakeContainer client(*fixture.manager, '1');
    client.config.networks = {{.network = "apps"}};
    ASSERT_OK(client.Attach());
    FakeContainer web(*fixture.manager, '2');
    web.config.networks = {{.network = "apps", .aliases = {"WWW"}}};
    ASSERT_OK(web.Attach());
    FakeContainer stranger(*fixture.manager, '3');
    stranger.config.networks = {{.network = "others"}};
    ASSERT_OK(stranger.Attach());
    const auto resolver = fixture.Open(client);
    const int netns = client.process.netns();
    for (const char* name : {"c2", "C2", "www", "222222222222", "c2.apps"}) {
      EXPECT_EQ(fixture.Address(*resolver, netns, name), web.ip()) << name;
    }
    EXPECT_EQ(fixture.Address(*resolver, netns, "c2", /*by_tcp=*/true), web.ip());
    EXPECT_EQ(fixture.forwarded, 0);
    // A name of another network is the world's affair.
    EXPECT_EQ(fixture.Address(*resolver, netns, "c3"), "198.51.100.7");
    EXPECT_EQ(fixture.Address(*resolver, netns, "example.com"), "198.51.100.7");
    EXPECT_EQ(fixture.forwarded, 2);
    // No AAAA, but the name exists.
    const std::string empty = fixture.Ask(*resolver, netns, "c2", kDnsAaaa);
    ASSERT_GE(empty.size(), 12u);
    EXPECT_EQ(empty[3] & 0x0f, kDnsNoError);
    EXPECT_EQ(empty[7], 0);
    const auto reverse = net::ParseIpAddress(web.ip());
    const std::string pointer =
        fixture.Ask(*resolver, netns,
                    absl::StrCat(reverse->bytes[3], ".", reverse->bytes[2], ".", reverse->bytes[1],
                                 ".", reverse->bytes[0], ".in-addr.arpa"),
                    kDnsPtr);
    EXPECT_THAT(pointer, ::testing::HasSubstr(std::string("\2c2\4apps\0", 9)));
    // A dead container has no name.
    web.process.Kill();
    EXPECT_EQ(fixture.Address(*resolver, netns, "c2"), "198.51.100.7");
  });
}

TEST_F(ResolverTest, LeavesPort53ToAServerOfTheContainers) {
  RunIsolated(CLONE_NEWNET, [] {
    Fixture fixture;
    ASSERT_OK(fixture.manager->Create({.name = "apps"}));
    FakeContainer client(*fixture.manager, '1');
    client.config.networks = {{.network = "apps"}};
    ASSERT_OK(client.Attach());
    FakeContainer web(*fixture.manager, '2');
    web.config.networks = {{.network = "apps"}};
    ASSERT_OK(web.Attach());
    auto resolver = fixture.Open(client);
    const int netns = client.process.netns();
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
      EchoPeer server(netns, type, 53);
      EXPECT_EQ(server.Ask(web.process.netns(), client.ip(), 53), web.ip());
      EXPECT_EQ(server.Ask(netns, "127.0.0.1", 53), "127.0.0.1");
      EXPECT_EQ(fixture.Address(*resolver, netns, "c2", type == SOCK_STREAM), web.ip());
    }
    // A supervisor that takes the container over has other ports.
    resolver.reset();
    resolver = fixture.Open(client);
    for (const bool by_tcp : {false, true}) {
      EXPECT_EQ(fixture.Address(*resolver, netns, "c2", by_tcp), web.ip());
    }
  });
}

TEST_F(ResolverTest, NothingLeavesAnInternalNetwork) {
  RunIsolated(CLONE_NEWNET, [] {
    Fixture fixture;
    ASSERT_OK(fixture.manager->Create({.name = "inner", .internal = true}));
    FakeContainer client(*fixture.manager, '1');
    client.config.networks = {{.network = "inner"}};
    ASSERT_OK(client.Attach());
    const auto resolver = fixture.Open(client);
    const std::string answer = fixture.Ask(*resolver, client.process.netns(), "example.com", kDnsA);
    ASSERT_GE(answer.size(), 12u);
    EXPECT_EQ(answer[3] & 0x0f, kDnsServerFailure);
    EXPECT_EQ(fixture.forwarded, 0);
    EXPECT_EQ(fixture.Address(*resolver, client.process.netns(), "c1"), client.ip());
  });
}

// More containers with one alias than an answer has room for.
TEST_F(ResolverTest, AnAnswerEndsWhereItsLengthDoes) {
  RunIsolated(CLONE_NEWNET, [] {
    Fixture fixture;
    ASSERT_OK(fixture.manager->Create({.name = "apps"}));
    FakeContainer client(*fixture.manager, '1');
    client.config.networks = {{.network = "apps"}};
    ASSERT_OK(client.Attach());
    ASSERT_OK_AND_ASSIGN(const LeaseStore leases, LeaseStore::Open(fixture.root.Path("run")));
    for (uint32_t i = 0; i < 5000; ++i) {
      const std::string id = absl::StrCat(absl::Hex(i, absl::kZeroPad12));
      ASSERT_OK(leases.Claim(absl::StrCat("names/apps/www/", id),
                             {.container = id,
                              .process = client.process.identity(),
                              .values = {net::IpAddress::V4(0x0a140000 + i).ToString(), "-"}}));
    }
    const auto resolver = fixture.Open(client);
    const auto records = [](absl::string_view answer) {
      return static_cast<uint8_t>(answer[6]) << 8 | static_cast<uint8_t>(answer[7]);
    };
    // By UDP as many as fit, and word that there are more.
    const std::string datagram = fixture.Ask(*resolver, client.process.netns(), "www", kDnsA);
    ASSERT_GT(datagram.size(), 400u);
    EXPECT_LE(datagram.size(), 512u);
    EXPECT_EQ(datagram[2] & 0x02, 0x02);
    EXPECT_EQ(datagram.size(), 21u + 16u * static_cast<size_t>(records(datagram)));
    // By TCP, too, where the length of a message has two bytes.
    const std::string stream =
        fixture.Ask(*resolver, client.process.netns(), "www", kDnsA, /*by_tcp=*/true);
    ASSERT_GT(stream.size(), 65000u);
    const size_t length =
        static_cast<size_t>(static_cast<uint8_t>(stream[0]) << 8 | static_cast<uint8_t>(stream[1]));
    EXPECT_EQ(length, stream.size() - 2);
    EXPECT_EQ(length, 21u + 16u * static_cast<size_t>(records(stream.substr(2))));
    EXPECT_EQ(stream[4] & 0x02, 0x02);
    // One with few says nothing of the kind.
    EXPECT_EQ(fixture.Ask(*resolver, client.process.netns(), "c1", kDnsA)[2] & 0x02, 0);
  });
}

TEST_F(ResolverTest, MoreQuestionsThanItRemembersAreRefusedAndNotKept) {
  RunIsolated(CLONE_NEWNET, [] {
    Fixture fixture;
    ASSERT_OK(fixture.manager->Create({.name = "apps"}));
    FakeContainer client(*fixture.manager, '1');
    client.config.networks = {{.network = "apps"}};
    ASSERT_OK(client.Attach());
    const auto resolver = fixture.Open(client);
    const UniqueFd fd = SocketIn(client.process.netns(), SOCK_DGRAM);
    const sockaddr_in server = At("127.0.0.11");
    ASSERT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&server), sizeof(server)), 0);
    for (uint16_t i = 0; i < 100; ++i) {
      const std::string query = MakeDnsQuery(i, "example.com", kDnsA);
      send(fd.get(), query.data(), query.size(), 0);
      resolver->OnReadable();
    }
    int refused = 0;
    char buffer[512];
    while (recv(fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT) > 0) {
      refused += (buffer[3] & 0x0f) == kDnsServerFailure;
    }
    EXPECT_EQ(refused, 100 - 64);
  });
}

}  // namespace
}  // namespace tiny::runtime
