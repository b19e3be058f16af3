// What is in nftables now: tables, chains, rules and set elements of any owner.
//
//   ASSIGN_OR_RETURN(const auto chains, ListNftChains(socket));
//   for (const NftChainInfo& chain : chains)
//     if (chain.hook == NF_INET_FORWARD && chain.policy == NF_DROP) ...
//
// Errors: those of NetlinkSocket::Query; kNotFound (ENOENT) for what does not exist.
// Thread-compatible. Source: include/uapi/linux/netfilter/nf_tables.h.
#ifndef TINY_NET_NFT_LIST_H_
#define TINY_NET_NFT_LIST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/netlink_message.h"
#include "net/netlink_socket.h"
#include "net/nft_batch.h"

namespace tiny::net {

struct NftTableInfo {
  NftTable table = {};
  uint32_t use = 0;  // chains and sets in it
  std::string comment = {};
};

struct NftChainInfo {
  NftTable table = {};
  std::string name = {};
  std::string type = {};  // "filter", "nat"; empty: not a base chain
  std::optional<uint32_t> hook = {};
  int32_t priority = 0;
  uint32_t policy = NF_ACCEPT;
  uint32_t use = 0;  // rules in it, and jumps to it
};

// An expression of a rule, as far as the doctor understands it.
struct NftExpressionInfo {
  std::string name = {};   // "meta", "cmp", "lookup", "counter", ...
  uint32_t key = 0;        // of meta and ct
  std::string value = {};  // of cmp: the bytes compared with; of lookup: the set's name
  std::optional<int32_t> verdict = {};
  std::string chain = {};  // of a jump
  uint64_t packets = 0;    // of counter
};

struct NftRuleInfo {
  NftTable table = {};
  std::string chain = {};
  uint64_t handle = 0;
  std::string comment = {};
  std::vector<NftExpressionInfo> expressions = {};

  uint64_t packets() const;  // of its counter
  // The verdict that it ends with, or nothing (NAT rules have none).
  std::optional<int32_t> verdict() const;
};

std::optional<NftTableInfo> ParseNftTable(const MessageView& message);
std::optional<NftChainInfo> ParseNftChain(const MessageView& message);
std::optional<NftRuleInfo> ParseNftRule(const MessageView& message);
// Appends what a message of a set's dump holds; false if it is malformed.
bool ParseNftElements(const MessageView& message, std::vector<NftElement>& elements);

// Of all families and owners.
absl::StatusOr<std::vector<NftChainInfo>> ListNftChains(NetlinkSocket& socket);
absl::StatusOr<std::vector<NftRuleInfo>> ListNftRules(NetlinkSocket& socket, const NftTable& table);
absl::StatusOr<std::vector<NftElement>> ListNftElements(NetlinkSocket& socket,
                                                        const NftTable& table,
                                                        absl::string_view set);

// Tables and some of their chains in one round trip; nothing for a table that is missing, and a
// chain without a name for one that is.
struct NftTableChains {
  NftTable table = {};
  absl::Span<const absl::string_view> chains = {};
};
struct NftSummary {
  NftTableInfo table = {};
  std::vector<NftChainInfo> chains = {};  // in the order asked for
};
absl::StatusOr<std::vector<std::optional<NftSummary>>> SummarizeNftTables(
    NetlinkSocket& socket, absl::Span<const NftTableChains> tables);

}  // namespace tiny::net

#endif  // TINY_NET_NFT_LIST_H_
