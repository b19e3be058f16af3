// Containers on networks with real packets: a neighbour's namespace, the host's (the test's own)
// and the containers'.
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "gtest/gtest.h"
#include "net/link.h"
#include "net/nft_batch.h"
#include "net/nft_list.h"
#include "net/route.h"
#include "runtime/network/firewall.h"
#include "runtime/network/network_manager.h"
#include "runtime/network/network_test_util.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

size_t ElementsOf(absl::string_view set) {
  auto socket = net::NetlinkSocket::Open(NETLINK_NETFILTER);
  auto elements = net::ListNftElements(*socket, Firewall::Table(), set);
  EXPECT_OK(elements);
  return elements.ok() ? elements->size() : 0;
}

class NetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  }
};

TEST_F(NetworkTest, AContainerReachesTheWorldByTheHostsAddress) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    ASSERT_OK(container.Attach());
    EXPECT_EQ(container.ip(), "10.10.0.2");
    EXPECT_EQ(container.attachment.endpoints[0].mac_address, "02:42:0a:0a:00:02");
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      EchoPeer server(host.neighbour.netns(), type, 7);
      EXPECT_EQ(server.Ask(container.process.netns(), "192.0.2.2", 7), "192.0.2.1");
    }
    // Version 6 is off, loopback is up.
    EchoPeer local(container.process.netns(), SOCK_STREAM, 8);
    EXPECT_EQ(local.Ask(container.process.netns(), "127.0.0.1", 8), "127.0.0.1");
    ASSERT_OK_AND_ASSIGN(auto inside,
                         net::NetlinkSocket::OpenIn(container.process.netns(), NETLINK_ROUTE));
    ASSERT_OK_AND_ASSIGN(const auto link, net::GetLink(inside, net::LinkRef("eth0")));
    ASSERT_OK_AND_ASSIGN(const auto v6, net::ListAddresses(inside, link.index, AF_INET6));
    EXPECT_TRUE(v6.empty());
  });
}

TEST_F(NetworkTest, APublishedPortIsReachedFromEverywhere) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    container.config.ports = {{.host_port = 8080, .container_port = 80},
                              {.host_port = 5353, .container_port = 53, .protocol = "udp"}};
    ASSERT_OK(container.Attach());
    FakeContainer sibling(*host.manager, '2');
    ASSERT_OK(sibling.Attach());
    const struct {
      int type;
      uint16_t inside, outside;
    } kServices[] = {{SOCK_STREAM, 80, 8080}, {SOCK_DGRAM, 53, 5353}};
    for (const auto& service : kServices) {
      EchoPeer server(container.process.netns(), service.type, service.inside);
      // Another host: its own address is seen.
      EXPECT_EQ(server.Ask(host.neighbour.netns(), "192.0.2.1", service.outside), "192.0.2.2");
      // The host by its own address, by localhost and by the bridge's.
      EXPECT_EQ(server.Ask(-1, "192.0.2.1", service.outside), "192.0.2.1");
      EXPECT_EQ(server.Ask(-1, "127.0.0.1", service.outside), "10.10.0.1");
      EXPECT_EQ(server.Ask(-1, "10.10.0.1", service.outside), "10.10.0.1");
      // A sibling and the container itself by the host's address: the hairpin.
      EXPECT_EQ(server.Ask(sibling.process.netns(), "192.0.2.1", service.outside), "10.10.0.1");
      EXPECT_EQ(server.Ask(container.process.netns(), "192.0.2.1", service.outside), "10.10.0.1");
      // What is not published is closed to the outside, even by the container's own address.
      EXPECT_EQ(server.Ask(host.neighbour.netns(), "10.10.0.2", service.inside, 200), "");
      EXPECT_EQ(server.Ask(-1, "10.10.0.2", service.inside), "10.10.0.1");
    }
    ASSERT_OK(host.manager->Detach(container.config.id, container.attachment.endpoints,
                                   container.attachment.ports));
    EXPECT_EQ(ElementsOf("dnat4_any"), 0u);
  });
}

TEST_F(NetworkTest, APortOnLocalhostIsClosedToTheOutside) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    container.config.ports = {{.host_ip = "127.0.0.1", .host_port = 8080, .container_port = 80}};
    ASSERT_OK(container.Attach());
    FakeContainer sibling(*host.manager, '2');
    ASSERT_OK(sibling.Attach());
    EchoPeer server(container.process.netns(), SOCK_STREAM, 80);
    EXPECT_EQ(server.Ask(-1, "127.0.0.1", 8080), "10.10.0.1");
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "192.0.2.1", 8080, 200), "");
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "10.10.0.2", 80, 200), "");
    // A neighbour and a container that route 127.0.0.1 to the host.
    for (const auto& [netns, device] :
         {std::pair(host.neighbour.netns(), "lan0"), std::pair(sibling.process.netns(), "eth0")}) {
      ASSERT_OK_AND_ASSIGN(auto socket, net::NetlinkSocket::OpenIn(netns, NETLINK_ROUTE));
      ASSERT_OK_AND_ASSIGN(const auto link, net::GetLink(socket, net::LinkRef(device)));
      net::MessageBuilder batch;
      net::AddRoute(batch,
                    {.destination = *net::ParseIpPrefix("127.0.0.1/32"), .link = link.index});
      (void)socket.Execute(batch);
      EXPECT_EQ(server.Ask(netns, "127.0.0.1", 8080, 200), "");
    }
  });
}

TEST_F(NetworkTest, NetworksAreIsolatedAndInternalOnesHaveNoWayOut) {
  InHost([](LanHost& host) {
    ASSERT_OK(host.manager->Create({.name = "inner", .internal = true}));
    ASSERT_OK(host.manager->Create({.name = "other"}));
    FakeContainer one(*host.manager, '1');
    ASSERT_OK(one.Attach());
    FakeContainer two(*host.manager, '2');
    two.config.networks = {{.network = "other"}};
    ASSERT_OK(two.Attach());
    FakeContainer three(*host.manager, '3');
    three.config.networks = {{.network = "inner"}};
    ASSERT_OK(three.Attach());
    FakeContainer four(*host.manager, '4');
    four.config.networks = {{.network = "inner"}};
    ASSERT_OK(four.Attach());
    // "inner" has 10.10.1.0/24.
    EXPECT_EQ(two.ip(), "10.10.2.2");
    EchoPeer in_one(one.process.netns(), SOCK_STREAM, 80);
    EXPECT_EQ(in_one.Ask(two.process.netns(), one.ip(), 80, 200), "");
    EXPECT_EQ(in_one.Ask(three.process.netns(), one.ip(), 80, 200), "");
    EchoPeer in_four(four.process.netns(), SOCK_STREAM, 80);
    EXPECT_EQ(in_four.Ask(three.process.netns(), four.ip(), 80), three.ip());
    EchoPeer outside(host.neighbour.netns(), SOCK_STREAM, 80);
    EXPECT_EQ(outside.Ask(two.process.netns(), "192.0.2.2", 80), "192.0.2.1");
    EXPECT_EQ(outside.Ask(three.process.netns(), "192.0.2.2", 80, 200), "");
  });
}

TEST_F(NetworkTest, AFlushedTableIsRestoredWithAllPorts) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    container.config.ports = {{.host_port = 8080, .container_port = 80}};
    ASSERT_OK(container.Attach());
    EchoPeer server(container.process.netns(), SOCK_STREAM, 80);
    ASSERT_OK_AND_ASSIGN(auto netfilter, net::NetlinkSocket::Open(NETLINK_NETFILTER));
    net::NftBatch flush(Firewall::Table());
    flush.DeleteTable();
    ASSERT_OK(flush.Commit(netfilter));
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "192.0.2.1", 8080, 200), "");
    // Another container's start is enough.
    FakeContainer second(*host.manager, '2');
    ASSERT_OK(second.Attach());
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "192.0.2.1", 8080), "192.0.2.2");
    // Only the rules, by nft flush table.
    net::NftBatch rules(Firewall::Table());
    rules.FlushChain("publish");
    ASSERT_OK(rules.Commit(netfilter));
    EXPECT_EQ(Firewall::Examine(netfilter).value(), Firewall::Condition::kDamaged);
    ASSERT_OK(host.manager->Reload());
    EXPECT_EQ(Firewall::Examine(netfilter).value(), Firewall::Condition::kWhole);
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "192.0.2.1", 8080), "192.0.2.2");
    ASSERT_OK_AND_ASSIGN(const auto rule_list, net::ListNftRules(netfilter, Firewall::Table()));
    ASSERT_EQ(rule_list.size(), Firewall::ExpectedRules().size());
    for (size_t i = 0; i < rule_list.size(); ++i) {
      EXPECT_EQ(rule_list[i].comment, Firewall::ExpectedRules()[i].comment);
    }
  });
}

TEST_F(NetworkTest, WhatAKilledContainerHeldIsFreedBySweep) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    container.config.ports = {{.host_port = 8080, .container_port = 80}};
    ASSERT_OK(container.Attach());
    EXPECT_EQ(ElementsOf("dnat4_any"), 1u);
    container.process.Kill();
    container.attachment.port_holders.clear();
    ASSERT_OK(host.manager->Sweep());
    EXPECT_EQ(ElementsOf("dnat4_any"), 0u);
    FakeContainer next(*host.manager, '2');
    next.config.ports = container.config.ports;
    ASSERT_OK(next.Attach());
    EXPECT_EQ(next.ip(), "10.10.0.2");
  });
}

TEST_F(NetworkTest, ARestartDoesNotWaitForTheLastRunsVeth) {
  InHost([](LanHost& host) {
    FakeContainer first(*host.manager, '1');
    ASSERT_OK(first.Attach());
    // The last run's namespace is held open, and so its veth is still there.
    FakeContainer second(*host.manager, '1');
    ASSERT_OK(second.Attach());
    EXPECT_EQ(first.attachment.endpoints[0].host_interface, "tv1111111111110");
    EXPECT_EQ(second.attachment.endpoints[0].host_interface, "tv1111111111111");
  });
}

TEST_F(NetworkTest, ATakenPortNamesItsHolder) {
  InHost([](LanHost& host) {
    EchoPeer stranger(-1, SOCK_STREAM, 8080);
    FakeContainer container(*host.manager, '1');
    container.config.ports = {{.host_port = 8081, .container_port = 81},
                              {.host_port = 8080, .container_port = 80}};
    EXPECT_THAT(container.Attach(),
                StatusIs(absl::StatusCode::kAlreadyExists,
                         ::testing::AllOf(HasSubstr("address already in use: 0.0.0.0:8080/tcp"),
                                          HasSubstr(absl::StrCat("pid ", getpid())))));
    // Nothing is left of the attempt.
    FakeContainer other(*host.manager, '2');
    other.config.ports = {{.host_port = 8081, .container_port = 81}};
    ASSERT_OK(other.Attach());
    EXPECT_EQ(other.ip(), "10.10.0.2");
    FakeContainer third(*host.manager, '3');
    third.config.ports = other.config.ports;
    EXPECT_THAT(third.Attach(),
                StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("container 222222222222")));
  });
}

TEST_F(NetworkTest, AnExhaustedSubnetIsAClearError) {
  InHost([](LanHost& host) {
    ASSERT_OK(host.manager->Create({.name = "small", .subnet = "10.99.0.0/29"}));
    std::vector<std::unique_ptr<FakeContainer>> containers;
    for (char digit = '1'; digit <= '5'; ++digit) {
      containers.push_back(std::make_unique<FakeContainer>(*host.manager, digit));
      containers.back()->config.networks = {{.network = "small"}};
      ASSERT_OK(containers.back()->Attach());
    }
    FakeContainer sixth(*host.manager, '6');
    sixth.config.networks = {{.network = "small"}};
    EXPECT_THAT(sixth.Attach(), StatusIs(absl::StatusCode::kResourceExhausted,
                                         HasSubstr("no free address in 10.99.0.0/29 (5 in use)")));
    containers[1]->process.Kill();
    ASSERT_OK(sixth.Attach());
    EXPECT_EQ(sixth.ip(), "10.99.0.3");
  });
}

TEST_F(NetworkTest, TheDefaultSubnetMovesAsideForAHostRoute) {
  RunIsolated(CLONE_NEWNET, [] {
    TempDir root;
    FakeProcess neighbour;
    MakeLan(neighbour);
    ASSERT_OK_AND_ASSIGN(auto route, net::NetlinkSocket::Open(NETLINK_ROUTE));
    net::MessageBuilder batch;
    net::AddRoute(batch, {.destination = *net::ParseIpPrefix("10.10.0.0/16"),
                          .gateway = *net::ParseIpAddress("192.0.2.2")});
    ASSERT_OK(route.Execute(batch));
    std::vector<std::string> notes;
    const auto note = [&](absl::string_view text) { notes.emplace_back(text); };
    ASSERT_OK_AND_ASSIGN(
        auto manager,
        NetworkManager::Open({.root = root.path(), .run_root = root.Path("run"), .note = note}));
    FakeContainer container(*manager, '1');
    ASSERT_OK(container.Attach());
    EXPECT_EQ(container.ip(), "172.31.0.2");
    EXPECT_THAT(notes, ElementsAre(HasSubstr("of lan0")));
  });
}

TEST_F(NetworkTest, Version6IsNattedBothWays) {
  InHost([](LanHost& host) {
    ASSERT_OK(host.manager->Create({.name = "six", .ipv6 = true}));
    FakeContainer container(*host.manager, '1');
    container.config.networks = {{.network = "six"}};
    container.config.ports = {{.host_port = 8080, .container_port = 80}};
    ASSERT_OK(container.Attach());
    EXPECT_THAT(container.attachment.endpoints[0].ip6, ::testing::StartsWith("fd"));
    EchoPeer server(host.neighbour.netns(), SOCK_STREAM, 7, /*v6=*/true);
    EXPECT_EQ(server.Ask(container.process.netns(), "2001:db8::2", 7), "2001:db8::1");
    EchoPeer inside(container.process.netns(), SOCK_STREAM, 80, /*v6=*/true);
    EXPECT_EQ(inside.Ask(host.neighbour.netns(), "2001:db8::1", 8080), "2001:db8::2");
  });
}

TEST_F(NetworkTest, ABridgesNameThatIsAnothersIsNamed) {
  InHost([](LanHost& host) {
    ASSERT_OK_AND_ASSIGN(auto route, net::NetlinkSocket::Open(NETLINK_ROUTE));
    net::MessageBuilder batch;
    net::AddVeth(batch, {.name = "td0", .peer_name = "td1"});
    ASSERT_OK(route.Execute(batch));
    FakeContainer container(*host.manager, '1');
    EXPECT_THAT(container.Attach(),
                StatusIs(absl::StatusCode::kAlreadyExists,
                         HasSubstr("the interface td0 exists and is not a bridge but veth")));
  });
}

// Makes a system call fail for the calling process where its argument has that value.
void Refuse(uint32_t number, size_t argument, uint32_t value, uint32_t error) {
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
               static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * argument)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {std::size(rules), rules};
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

TEST_F(NetworkTest, AKernelWithoutNftablesIsNamedAndNoneStillWorks) {
  InHost([](LanHost& host) {
    Refuse(SYS_socket, 2, NETLINK_NETFILTER, EPROTONOSUPPORT);
    FakeContainer container(*host.manager, '1');
    const absl::Status status = container.Attach();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("netlink socket")));
    EXPECT_THAT(GetHint(status), HasSubstr("nf_tables"));
    FakeContainer none(*host.manager, '2');
    none.config.networks = {{.network = "none"}};
    EXPECT_OK(none.Attach());
  });
}

TEST_F(NetworkTest, WithoutThePrivilegeTheErrorSaysHowToGetIt) {
  InHost([](LanHost& host) {
    __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    __user_cap_data_struct data[2] = {};
    ASSERT_EQ(syscall(SYS_capget, &header, data), 0);
    data[0].effective &= ~(1U << CAP_NET_ADMIN);
    ASSERT_EQ(syscall(SYS_capset, &header, data), 0);
    FakeContainer container(*host.manager, '1');
    const absl::Status status = container.Attach();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("td0")));
    EXPECT_THAT(GetHint(status), HasSubstr("Run tiny as root"));
  });
}

TEST_F(NetworkTest, AProgramWouldBeNoticed) {
  const pid_t child = fork();
  if (child == 0) {
    ForbidExec();
    execl("/bin/true", "true", nullptr);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}

TEST_F(NetworkTest, LiveChanges) {
  InHost([](LanHost& host) {
    ASSERT_OK(host.manager->Create({.name = "second"}));
    FakeContainer container(*host.manager, '1');
    ASSERT_OK(container.Attach());
    EchoPeer server(container.process.netns(), SOCK_STREAM, 80);
    ASSERT_OK_AND_ASSIGN(
        const auto ports,
        host.manager->Publish(container.config.id, container.process.identity(),
                              container.attachment.endpoints, {{.container_port = 80}}));
    ASSERT_EQ(ports.size(), 1u);
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "192.0.2.1", ports[0].host_port), "192.0.2.2");
    ASSERT_OK(host.manager->Unpublish(container.config.id, ports));
    EXPECT_EQ(server.Ask(host.neighbour.netns(), "192.0.2.1", ports[0].host_port, 200), "");
    ASSERT_OK_AND_ASSIGN(
        const auto endpoint,
        host.manager->Connect(container.config, {.network = "second"}, container.process.identity(),
                              container.process.netns(), container.attachment.endpoints));
    EXPECT_EQ(endpoint.interface_name, "eth1");
    EXPECT_THAT(host.manager->Remove("second"), StatusIs(absl::StatusCode::kFailedPrecondition));
    ASSERT_OK(host.manager->Disconnect(container.config.id, endpoint, container.process.netns(),
                                       container.attachment.endpoints));
    const size_t before = ElementsOf("masq4");
    EXPECT_OK(host.manager->Remove("second"));
    EXPECT_EQ(ElementsOf("masq4"), before - 2);
  });
}

TEST_F(NetworkTest, WhoRenamesAnInterfaceIsDisconnectedAllTheSame) {
  InHost([](LanHost& host) {
    FakeContainer container(*host.manager, '1');
    ASSERT_OK(container.Attach());
    const state::NetworkEndpoint endpoint = container.attachment.endpoints[0];
    ASSERT_OK_AND_ASSIGN(auto inside,
                         net::NetlinkSocket::OpenIn(container.process.netns(), NETLINK_ROUTE));
    ASSERT_OK_AND_ASSIGN(const net::LinkInfo link, net::GetLink(inside, net::LinkRef("eth0")));
    net::MessageBuilder batch;
    net::ChangeLink(batch, net::LinkRef(link.index), {.up = false});
    net::ChangeLink(batch, net::LinkRef(link.index), {.name = "foo"});
    net::ChangeLink(batch, net::LinkRef(link.index), {.up = true});
    net::AddVeth(batch, {.name = "eth1", .peer_name = "other"});
    ASSERT_OK(inside.Execute(batch));
    ASSERT_OK(
        host.manager->Disconnect(container.config.id, endpoint, container.process.netns(), {}));
    EXPECT_EQ(GetErrno(net::GetLink(inside, net::LinkRef(link.index)).status()), ENODEV);
    // One that it has made where the next is to come is named.
    EXPECT_THAT(
        host.manager->Connect(container.config, {.network = "bridge"}, container.process.identity(),
                              container.process.netns(), {endpoint}),
        StatusIs(absl::StatusCode::kAlreadyExists));
    ASSERT_OK(host.manager->Create({.name = "second"}));
    EXPECT_THAT(
        host.manager->Connect(container.config, {.network = "second"}, container.process.identity(),
                              container.process.netns(), {endpoint}),
        StatusIs(absl::StatusCode::kAlreadyExists,
                 HasSubstr("an interface eth1 that it has made")));
    EXPECT_OK(host.manager->Remove("second")) << "its address is free again";
  });
}

TEST_F(NetworkTest, ManyStartsAtOnceNeverShareAnAddress) {
  InHost([](LanHost& host) {
    ASSERT_OK(host.manager->List(nullptr));
    constexpr int kStarts = 40;
    std::vector<pid_t> children;
    for (int i = 0; i < kStarts; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        auto manager =
            NetworkManager::Open({.root = host.root.path(), .run_root = host.root.Path("run")});
        FakeContainer container(**manager, 'a');
        container.config.id = absl::StrCat(absl::Hex(i, absl::kZeroPad2), std::string(62, '0'));
        const bool attached = container.Attach().ok();
        if (attached) host.root.Write(container.ip(), "");
        // The lease lives as long as its process: it must outlive the test's look at it.
        _exit(attached ? 0 : 1);
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = 0;
      waitpid(child, &status, 0);
      EXPECT_EQ(status, 0);
    }
    ASSERT_OK_AND_ASSIGN(const Network network, host.manager->Inspect("bridge"));
    int distinct = 0;
    for (int last = 2; last < 2 + kStarts; ++last) {
      distinct += access(host.root.Path(absl::StrCat("10.10.0.", last)).c_str(), F_OK) == 0;
    }
    EXPECT_EQ(distinct, kStarts);
  });
}

}  // namespace
}  // namespace tiny::runtime
