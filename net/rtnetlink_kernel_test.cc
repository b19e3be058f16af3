// rtnetlink against the kernel, in network namespaces of the test's own.
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sched.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "net/link.h"
#include "net/netlink_socket.h"
#include "net/network_namespace.h"
#include "net/route.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::net {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;
using ::tiny::testing::StatusIs;

// A second network namespace beside the one that the test runs in.
UniqueFd OtherNamespace() {
  auto own = OpenOwnNetworkNamespace();
  EXPECT_OK(own);
  EXPECT_EQ(unshare(CLONE_NEWNET), 0);
  auto other = OpenOwnNetworkNamespace();
  EXPECT_OK(other);
  EXPECT_EQ(setns(own->get(), CLONE_NEWNET), 0);
  return *std::move(other);
}

class RtnetlinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  }
};

TEST_F(RtnetlinkTest, AttachesAVethToABridgeInOneMessage) {
  RunIsolated(CLONE_NEWNET, [] {
    const UniqueFd other = OtherNamespace();
    ASSERT_OK_AND_ASSIGN(NetlinkSocket host, NetlinkSocket::Open(NETLINK_ROUTE));
    MessageBuilder batch;
    AddBridge(batch, {.name = "td0", .mtu = 1400});
    ASSERT_OK(host.Execute(batch));
    ASSERT_OK_AND_ASSIGN(const LinkInfo bridge, GetLink(host, LinkRef("td0")));
    EXPECT_EQ(bridge.kind, "bridge");
    EXPECT_EQ(bridge.mtu, 1400);
    EXPECT_TRUE(bridge.up());

    batch.Clear();
    AddAddress(batch, bridge.index, *ParseIpPrefix("10.10.0.1/24"));
    AddAddress(batch, bridge.index, *ParseIpPrefix("10.10.0.1/24"));  // tolerated
    AddVeth(batch, {.name = "tv0",
                    .master = bridge.index,
                    .mtu = 1400,
                    .peer_name = "eth0",
                    .peer_mac = *ParseMacAddress("02:42:0a:0a:00:02"),
                    .peer_netns = other.get()});
    ASSERT_OK(host.Execute(batch));
    ASSERT_OK_AND_ASSIGN(const LinkInfo veth, GetLink(host, LinkRef("tv0")));
    EXPECT_EQ(veth.master, bridge.index);
    EXPECT_EQ(veth.kind, "veth");
    EXPECT_TRUE(veth.up());

    ASSERT_OK_AND_ASSIGN(NetlinkSocket inside, NetlinkSocket::OpenIn(other.get(), NETLINK_ROUTE));
    batch.Clear();
    ChangeLink(batch, LinkRef("lo"), {.up = true});
    ChangeLink(batch, LinkRef("eth0"), {.up = true});
    RequestLink(batch, LinkRef("eth0"));
    std::optional<LinkInfo> eth0;
    ASSERT_OK(inside.Execute(batch, [&](size_t request, const MessageView& message) {
      EXPECT_EQ(request, 2u);
      eth0 = ParseLink(message);
      return absl::OkStatus();
    }));
    EXPECT_EQ(inside.round_trips(), 1);
    ASSERT_TRUE(eth0.has_value());
    EXPECT_EQ(FormatMacAddress(*eth0->mac), "02:42:0a:0a:00:02");
    EXPECT_EQ(eth0->mtu, 1400);
    EXPECT_TRUE(eth0->up());

    batch.Clear();
    AddAddress(batch, eth0->index, *ParseIpPrefix("10.10.0.2/24"));
    AddRoute(batch, {.gateway = *ParseIpAddress("10.10.0.1"), .link = eth0->index});
    ASSERT_OK(inside.Execute(batch));
    ASSERT_OK_AND_ASSIGN(const auto addresses, ListAddresses(inside, eth0->index, AF_INET));
    ASSERT_EQ(addresses.size(), 1u);
    EXPECT_EQ(addresses[0].prefix.ToString(), "10.10.0.2/24");
    ASSERT_OK_AND_ASSIGN(const RouteInfo route, LookUpRoute(inside, *ParseIpAddress("192.0.2.1")));
    EXPECT_EQ(route.gateway.ToString(), "10.10.0.1");
    ASSERT_OK_AND_ASSIGN(const auto routes, ListRoutes(inside, AF_INET));
    EXPECT_EQ(routes.size(), 2u);
  });
}

TEST_F(RtnetlinkTest, ErrorsCarryTheObjectAndTheKernelsWords) {
  RunIsolated(CLONE_NEWNET, [] {
    ASSERT_OK_AND_ASSIGN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_ROUTE));
    EXPECT_THAT(GetLink(socket, LinkRef("absent")),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr("look up absent")));
    MessageBuilder batch;
    AddRoute(batch, {.gateway = *ParseIpAddress("192.0.2.1"), .link = 1});
    EXPECT_THAT(std::string(socket.Execute(batch).message()),
                ::testing::StartsWith("add route default via 192.0.2.1 (kernel: "));
    batch.Clear();
    AddBridge(batch, {.name = "sixteen-letters-"});
    EXPECT_THAT(socket.Execute(batch), StatusIs(absl::StatusCode::kInvalidArgument));
  });
}

TEST_F(RtnetlinkTest, ABatchGoesOnAfterAFailedRequestAndReportsTheFirst) {
  RunIsolated(CLONE_NEWNET, [] {
    ASSERT_OK_AND_ASSIGN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_ROUTE));
    MessageBuilder batch;
    AddBridge(batch, {.name = "one"});
    AddBridge(batch, {.name = "one"});
    DeleteLink(batch, LinkRef("absent"));
    AddBridge(batch, {.name = "two"});
    EXPECT_THAT(socket.Execute(batch),
                StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("create bridge one")));
    EXPECT_OK(GetLink(socket, LinkRef("two")));
    // The answers of the failed batch do not disturb the next one.
    ASSERT_OK_AND_ASSIGN(const auto links, ListLinks(socket));
    EXPECT_EQ(links.size(), 3u);
  });
}

TEST_F(RtnetlinkTest, ListsMoreLinksThanOneDatagramHolds) {
  RunIsolated(CLONE_NEWNET, [] {
    ASSERT_OK_AND_ASSIGN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_ROUTE));
    MessageBuilder batch;
    for (int i = 0; i < 200; ++i) AddBridge(batch, {.name = absl::StrCat("d", i)});
    ASSERT_OK(socket.Execute(batch));
    ASSERT_OK_AND_ASSIGN(const auto links, ListLinks(socket));
    EXPECT_EQ(links.size(), 201u);
  });
}

TEST_F(RtnetlinkTest, ChangesALink) {
  RunIsolated(CLONE_NEWNET, [] {
    const UniqueFd other = OtherNamespace();
    ASSERT_OK_AND_ASSIGN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_ROUTE));
    MessageBuilder batch;
    AddBridge(batch, {.name = "before"});
    ASSERT_OK(socket.Execute(batch));
    ASSERT_OK_AND_ASSIGN(const LinkInfo link, GetLink(socket, LinkRef("before")));
    batch.Clear();
    ChangeLink(batch, LinkRef(link.index), {.up = false});
    ChangeLink(batch, LinkRef(link.index), {.mtu = 1280, .name = "after", .alias = "renamed"});
    AddMacvlan(batch, {.name = "mv0", .parent = link.index, .netns = other.get()});
    ASSERT_OK(socket.Execute(batch));
    ASSERT_OK_AND_ASSIGN(const LinkInfo after, GetLink(socket, LinkRef("after")));
    EXPECT_EQ(after.index, link.index);
    EXPECT_EQ(after.mtu, 1280);
    EXPECT_EQ(after.alias, "renamed");
    EXPECT_FALSE(after.up());
    ASSERT_OK_AND_ASSIGN(NetlinkSocket inside, NetlinkSocket::OpenIn(other.get(), NETLINK_ROUTE));
    ASSERT_OK_AND_ASSIGN(const LinkInfo macvlan, GetLink(inside, LinkRef("mv0")));
    EXPECT_EQ(macvlan.kind, "macvlan");
    batch.Clear();
    AddNeighbour(batch, 1, *ParseIpAddress("127.0.0.9"), *ParseMacAddress("02:00:00:00:00:01"));
    DeleteLink(batch, LinkRef("mv0"));
    ASSERT_OK(inside.Execute(batch));
    EXPECT_THAT(GetLink(inside, LinkRef("mv0")), StatusIs(absl::StatusCode::kNotFound));
  });
}

}  // namespace
}  // namespace tiny::net
