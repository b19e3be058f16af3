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

  // The answer's bytes, or "" if none comes.
  std::string Ask(Resolver& resolver, int netns, absl::string_view name, DnsType type,
                  bool by_tcp = false) {
    const UniqueFd fd = SocketIn(netns, by_tcp ? SOCK_STREAM : SOCK_DGRAM);
    const sockaddr_in server = At("127.0.0.11");
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&server), sizeof(server)), 0);
    std::string query = MakeDnsQuery(0x1234, name, type);
    if (by_tcp) query = std::string({'\0', static_cast<char>(query.size())}) + query;
    EXPECT_EQ(send(fd.get(), query.data(), query.size(), 0), static_cast<ssize_t>(query.size()));
    for (int i = 0; i < 100; ++i) {
      pollfd ready[] = {
          {resolver.fd(), POLLIN, 0}, {upstream.get(), POLLIN, 0}, {fd.get(), POLLIN, 0}};
      poll(ready, 3, 10);
      if (ready[0].revents != 0) resolver.OnReadable();
      if (ready[1].revents != 0) ServeUpstream();
      if (ready[2].revents == 0) continue;
      char buffer[1024];
      const ssize_t size = recv(fd.get(), buffer, sizeof(buffer), 0);
      std::string answer(buffer, size > 0 ? static_cast<size_t>(size) : 0);
      return by_tcp && answer.size() > 2 ? answer.substr(2) : answer;
    }
    return "";
  }

  std::string Address(Resolver& resolver, int netns, absl::string_view name, bool by_tcp = false) {
    const auto address = FirstDnsAddress(Ask(resolver, netns, name, kDnsA, by_tcp));
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
