// nftables against the kernel, in a network namespace of the test's own.
#include <arpa/inet.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <sched.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "gtest/gtest.h"
#include "net/netlink_socket.h"
#include "net/nft_batch.h"
#include "net/nft_list.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::net {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;
using ::tiny::testing::StatusIs;

const NftTable& Table() {
  static const NftTable* const table = new NftTable{NFPROTO_INET, "test"};
  return *table;
}

std::string PortKey(uint8_t protocol, uint16_t port) {
  std::string key;
  AppendKey(key, BytesOf(protocol));
  AppendKey(key, BytesOf(htons(port)));
  return key;
}

std::string Target(uint32_t address, uint16_t port) {
  std::string data;
  AppendKey(data, BytesOf(htonl(address)));
  AppendKey(data, BytesOf(htons(port)));
  return data;
}

void AddEverything(NftBatch& batch) {
  batch.AddTable("of a test");
  batch.AddSet({.name = "names", .key_type = kNftInterfaceName, .key_length = 16});
  batch.AddSet(
      {.name = "nets", .flags = NFT_SET_INTERVAL, .key_type = kNftIpv4Address, .key_length = 4});
  batch.AddSet({.name = "ports",
                .key_type = ConcatenatedType({kNftInetProtocol, kNftInetService}),
                .key_length = 8,
                .data_type = ConcatenatedType({kNftIpv4Address, kNftInetService}),
                .data_length = 8});
  batch.AddChain(
      {.name = "pre", .type = "nat", .hook = NF_INET_PRE_ROUTING, .priority = NF_IP_PRI_NAT_DST});
  batch.AddChain({.name = "forward",
                  .type = "filter",
                  .hook = NF_INET_FORWARD,
                  .priority = 0,
                  .policy = NF_DROP});
  batch.AddChain({.name = "extra"});
  batch.AddRule("pre", "publish")
      .Meta(NFT_META_NFPROTO, kReg0)
      .CompareByte(NFT_CMP_EQ, kReg0, NFPROTO_IPV4)
      .FibAddressType(NFTA_FIB_F_DADDR, kReg0)
      .CompareU32(NFT_CMP_EQ, kReg0, RTN_LOCAL)
      .Meta(NFT_META_L4PROTO, kReg0)
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, kReg1)
      .LookupMap("ports", kReg0, kReg4)
      .Counter()
      .DestinationNat(NFPROTO_IPV4, kReg4, kReg5);
  batch.AddRule("forward", "jump")
      .Meta(NFT_META_IIFNAME, kReg0)
      .Lookup("names", kReg0)
      .Verdict(NFT_JUMP, "extra");
  batch.AddRule("extra", "established")
      .ConnectionTracking(NFT_CT_STATE, kReg0)
      .Bitwise(kReg0, kReg0, BytesOf(uint32_t{6}), BytesOf(uint32_t{0}))
      .CompareU32(NFT_CMP_NEQ, kReg0, 0)
      .Counter()
      .Verdict(NF_ACCEPT);
}

class NftablesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  }
};

TEST_F(NftablesTest, WhatIsAddedIsListed) {
  RunIsolated(CLONE_NEWNET, [] {
    ASSERT_OK_AND_ASSIGN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_NETFILTER));
    NftBatch batch(Table());
    AddEverything(batch);
    batch.AddElements("names", {{.key = InterfaceNameKey("td0")}});
    batch.AddElements("nets", {{.key = std::string("\x0a\x0a\0\0", 4)},
                               {.key = std::string("\x0a\x0a\1\0", 4), .interval_end = true}});
    batch.AddElements(
        "ports", {{.key = PortKey(6, 80), .data = Target(0x0a0a0002, 8080), .comment = "web"}});
    ASSERT_OK(batch.Commit(socket));
    EXPECT_EQ(socket.round_trips(), 1);

    ASSERT_OK_AND_ASSIGN(const auto chains, ListNftChains(socket));
    ASSERT_EQ(chains.size(), 3u);
    EXPECT_EQ(chains[1].name, "forward");
    EXPECT_EQ(chains[1].hook, NF_INET_FORWARD);
    EXPECT_EQ(chains[1].policy, uint32_t{NF_DROP});
    EXPECT_FALSE(chains[2].hook.has_value());

    ASSERT_OK_AND_ASSIGN(const auto rules, ListNftRules(socket, Table()));
    ASSERT_EQ(rules.size(), 3u);
    EXPECT_EQ(rules[0].comment, "publish");
    EXPECT_EQ(rules[1].expressions.back().chain, "extra");
    EXPECT_EQ(rules[2].verdict(), NF_ACCEPT);

    ASSERT_OK_AND_ASSIGN(const auto elements, ListNftElements(socket, Table(), "ports"));
    ASSERT_EQ(elements.size(), 1u);
    EXPECT_EQ(elements[0].key, PortKey(6, 80));
    EXPECT_EQ(elements[0].data, Target(0x0a0a0002, 8080));
    EXPECT_EQ(elements[0].comment, "web");

    const absl::string_view names[] = {"pre", "forward", "extra"};
    const absl::string_view others[] = {"pre", "none"};
    const NftTable absent = {NFPROTO_BRIDGE, "test"};
    ASSERT_OK_AND_ASSIGN(
        const auto summaries,
        SummarizeNftTables(socket, {{Table(), names}, {absent, others}, {Table(), others}}));
    ASSERT_TRUE(summaries[0].has_value());
    EXPECT_EQ(summaries[0]->table.comment, "of a test");
    EXPECT_EQ(summaries[0]->table.use, 6u);
    EXPECT_EQ(summaries[0]->chains[0].use, 1u);
    EXPECT_EQ(summaries[0]->chains[2].name, "extra");
    EXPECT_FALSE(summaries[1].has_value());
    ASSERT_TRUE(summaries[2].has_value());
    EXPECT_EQ(summaries[2]->chains[0].name, "pre");
    EXPECT_EQ(summaries[2]->chains[1].name, "");
  });
}

TEST_F(NftablesTest, ATransactionHappensWholeOrNotAtAll) {
  RunIsolated(CLONE_NEWNET, [] {
    ASSERT_OK_AND_ASSIGN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_NETFILTER));
    NftBatch bad(Table());
    AddEverything(bad);
    bad.AddElements("absent", {{.key = InterfaceNameKey("td0")}});
    EXPECT_THAT(bad.Commit(socket), StatusIs(absl::StatusCode::kNotFound,
                                             HasSubstr("add elements of nft set test absent")));
    ASSERT_OK_AND_ASSIGN(const auto summaries, SummarizeNftTables(socket, {{Table(), {}}}));
    EXPECT_FALSE(summaries[0].has_value());
    // The socket has no answers left over.
    NftBatch good(Table());
    AddEverything(good);
    EXPECT_OK(good.Commit(socket));
  });
}

TEST_F(NftablesTest, ElementsAreIdempotentAndConflictsAreFound) {
  RunIsolated(CLONE_NEWNET, [] {
    ASSERT_OK_AND_ASSIGN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_NETFILTER));
    NftBatch set_up(Table());
    AddEverything(set_up);
    ASSERT_OK(set_up.Commit(socket));
    const NftElement element = {.key = PortKey(17, 53), .data = Target(0x0a0a0002, 53)};
    for (int i = 0; i < 2; ++i) {
      NftBatch batch(Table());
      batch.AddElements("ports", {element});
      EXPECT_OK(batch.Commit(socket));
    }
    NftBatch conflict(Table());
    conflict.AddElements("ports", {{.key = PortKey(17, 53), .data = Target(0x0a0a0003, 53)}});
    // EBUSY, or EEXIST of newer kernels.
    EXPECT_THAT(GetErrno(conflict.Commit(socket)), ::testing::AnyOf(EBUSY, EEXIST));
    NftBatch removal(Table());
    removal.DeleteElements("ports", {element});
    EXPECT_OK(removal.Commit(socket));
    NftBatch again(Table());
    again.DeleteElements("ports", {element});
    EXPECT_EQ(GetErrno(again.Commit(socket)), ENOENT);
  });
}

TEST_F(NftablesTest, AThousandElementsInOneTransaction) {
  RunIsolated(CLONE_NEWNET, [] {
    ASSERT_OK_AND_ASSIGN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_NETFILTER));
    NftBatch batch(Table());
    AddEverything(batch);
    std::vector<NftElement> elements;
    for (uint16_t port = 1; port <= 1000; ++port) {
      elements.push_back({.key = PortKey(6, port), .data = Target(0x0a0a0002, port)});
    }
    batch.AddElements("ports", elements);
    ASSERT_OK(batch.Commit(socket));
    EXPECT_EQ(socket.round_trips(), 1);
    ASSERT_OK_AND_ASSIGN(const auto listed, ListNftElements(socket, Table(), "ports"));
    EXPECT_EQ(listed.size(), 1000u);
    ASSERT_OK_AND_ASSIGN(const auto rules, ListNftRules(socket, Table()));
    EXPECT_EQ(rules.size(), 3u);
  });
}

TEST_F(NftablesTest, ForeignTablesAreLeftAlone) {
  RunIsolated(CLONE_NEWNET, [] {
    ASSERT_OK_AND_ASSIGN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_NETFILTER));
    NftBatch foreign({NFPROTO_IPV4, "filter"});
    foreign.AddTable();
    foreign.AddChain({.name = "FORWARD", .type = "filter", .hook = NF_INET_FORWARD});
    ASSERT_OK(foreign.Commit(socket));
    NftBatch batch(Table());
    AddEverything(batch);
    ASSERT_OK(batch.Commit(socket));
    NftBatch removal(Table());
    removal.DeleteTable();
    ASSERT_OK(removal.Commit(socket));
    ASSERT_OK_AND_ASSIGN(const auto chains, ListNftChains(socket));
    ASSERT_EQ(chains.size(), 1u);
    EXPECT_EQ(chains[0].name, "FORWARD");
  });
}

}  // namespace
}  // namespace tiny::net
