// One nftables transaction: everything in it happens, or nothing.
//
//   NftBatch batch({NFPROTO_INET, "example"});
//   batch.AddTable();
//   batch.AddChain({.name = "post", .type = "nat", .hook = NF_INET_POST_ROUTING, .priority = 100});
//   batch.AddRule("post", "masquerade").Meta(NFT_META_OIFNAME, kReg0)
//       .CompareString(NFT_CMP_EQ, kReg0, "eth0").Masquerade();
//   RETURN_IF_ERROR(batch.Commit(socket));  // NetlinkSocket::Open(NETLINK_NETFILTER)
//
// Objects are named, never touched by a handle that may belong to another's rule. Errors: those of
// NetlinkSocket::Execute; ENOENT where the table, chain or set is missing; EOPNOTSUPP or
// EPROTONOSUPPORT without nf_tables. Thread-compatible. Source:
// include/uapi/linux/netfilter/nf_tables.h.
#ifndef TINY_NET_NFT_BATCH_H_
#define TINY_NET_NFT_BATCH_H_

#include <arpa/inet.h>  // before linux/netfilter.h, which would else define the same types
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/netlink_message.h"
#include "net/netlink_socket.h"

namespace tiny::net {

// The 4-byte registers; a key of several fields takes consecutive ones, each field padded to 4.
enum NftRegister : uint32_t {
  kReg0 = NFT_REG32_00,
  kReg1,
  kReg2,
  kReg3,
  kReg4,
  kReg5,
  kReg6,
  kReg7,
  kReg8,
  kReg9,
  kReg10,
  kReg11,
  kReg12,
  kReg13,
  kReg14,
  kReg15,
};

// What nft(8) calls the type of a key or value, for its listings; the kernel only keeps it.
enum NftType : uint32_t {
  kNftIpv4Address = 7,
  kNftIpv6Address = 8,
  kNftEtherAddress = 9,
  kNftInetProtocol = 12,
  kNftInetService = 13,
  kNftInterfaceName = 41,
};
// The type of a concatenation, first field first.
uint32_t ConcatenatedType(absl::Span<const NftType> fields);

struct NftTable {
  uint8_t family = NFPROTO_INET;
  std::string name = {};
};

struct NftChainSpec {
  std::string name = {};
  std::string type = {};  // "filter", "nat", "route"; empty: a chain to jump to
  uint32_t hook = 0;
  int32_t priority = 0;
  uint32_t policy = NF_ACCEPT;
};

struct NftSetSpec {
  std::string name = {};
  uint32_t flags = 0;  // NFT_SET_INTERVAL, NFT_SET_MAP (implied by data_length), NFT_SET_CONCAT
  uint32_t key_type = 0;
  uint32_t key_length = 0;
  uint32_t data_type = 0;  // of a map
  uint32_t data_length = 0;
  std::vector<uint32_t> field_lengths = {};  // of a concatenation with intervals
};

struct NftElement {
  std::string key = {};       // as in packets: network byte order, each field padded to 4 bytes
  std::string data = {};      // of a map
  std::string key_end = {};   // of a concatenation with intervals: the last key, inclusive
  bool interval_end = false;  // of a plain interval set: the first key after the interval
  std::string comment = {};
};

// Key and value fields.
void AppendKey(std::string& key, absl::string_view field);  // pads to 4 bytes
std::string InterfaceNameKey(absl::string_view name);       // 16 bytes

class NftBatch;

// Appends expressions to a rule that is being built; the rule ends with the object. Only one exists
// at a time.
class NftRuleBuilder {
 public:
  NftRuleBuilder(NftRuleBuilder&&) = default;

  NftRuleBuilder& Meta(nft_meta_keys key, NftRegister to);
  NftRuleBuilder& Payload(nft_payload_bases base, uint32_t offset, uint32_t length, NftRegister to);
  // Overwrites a part of the transport header and mends the Internet checksum (RFC 1071) that the
  // header has at `checksum_offset`.
  NftRuleBuilder& SetTransport(uint32_t offset, uint32_t length, NftRegister from,
                               uint32_t checksum_offset);
  NftRuleBuilder& Immediate(NftRegister to, absl::string_view value);
  NftRuleBuilder& ConnectionTracking(nft_ct_keys key, NftRegister to);
  // The type of an address (RTN_LOCAL, ...): flags is NFTA_FIB_F_DADDR or NFTA_FIB_F_SADDR.
  NftRuleBuilder& FibAddressType(uint32_t flags, NftRegister to);
  NftRuleBuilder& Bitwise(NftRegister from, NftRegister to, absl::string_view mask,
                          absl::string_view exclusive_or);
  NftRuleBuilder& Compare(nft_cmp_ops op, NftRegister from, absl::string_view value);
  NftRuleBuilder& CompareByte(nft_cmp_ops op, NftRegister from, uint8_t value);
  NftRuleBuilder& CompareU32(nft_cmp_ops op, NftRegister from, uint32_t host_order);
  NftRuleBuilder& CompareString(nft_cmp_ops op, NftRegister from, absl::string_view name);
  // Goes on where the set has (or with `inverted` has not) the key.
  NftRuleBuilder& Lookup(absl::string_view set, NftRegister from, bool inverted = false);
  NftRuleBuilder& LookupMap(absl::string_view map, NftRegister from, NftRegister to);
  NftRuleBuilder& DestinationNat(uint8_t family, NftRegister address, NftRegister port);
  NftRuleBuilder& Masquerade();
  NftRuleBuilder& Counter();
  // NF_ACCEPT, NF_DROP, NFT_RETURN; or NFT_JUMP and NFT_GOTO with a chain.
  NftRuleBuilder& Verdict(int32_t code, absl::string_view chain = absl::string_view());

 private:
  friend class NftBatch;
  NftRuleBuilder(MessageBuilder& message, MessageBuilder::NestScope list)
      : message_(message), list_(std::move(list)) {}

  MessageBuilder& message_;
  MessageBuilder::NestScope list_;
};

class NftBatch {
 public:
  explicit NftBatch(NftTable table);

  // What follows is about this table: one transaction may change several.
  void Use(NftTable table) { table_ = std::move(table); }
  void AddTable(absl::string_view comment = absl::string_view());
  void AddNewTable();  // kAlreadyExists (EEXIST) where there is one of the name
  void DeleteTable();
  void AddChain(const NftChainSpec& chain);
  void FlushChain(absl::string_view chain);  // deletes its rules
  void AddSet(const NftSetSpec& set);
  // `comment` is what nft(8) shows behind the rule, and what ListRules returns; at most 127 bytes.
  [[nodiscard]] NftRuleBuilder AddRule(absl::string_view chain, absl::string_view comment);
  [[nodiscard]] NftRuleBuilder InsertRule(absl::string_view chain, absl::string_view comment);
  void DeleteRule(absl::string_view chain, uint64_t handle);
  // Those that are there already are left alone; with another value
  // they are EBUSY or EEXIST.
  void AddElements(absl::string_view set, absl::Span<const NftElement> elements);
  // Any that is missing fails the transaction with ENOENT.
  void DeleteElements(absl::string_view set, absl::Span<const NftElement> elements);

  const NftTable& table() const { return table_; }
  absl::Status Commit(NetlinkSocket& socket);

 private:
  void Begin(int type, uint16_t flags, absl::string_view what);
  void PutElements(int type, uint16_t flags, absl::string_view verb, absl::string_view set,
                   absl::Span<const NftElement> elements);
  NftRuleBuilder StartRule(uint16_t flags, absl::string_view chain, absl::string_view comment);

  NftTable table_;
  MessageBuilder message_;
  uint32_t next_set_id_ = 1;
};

}  // namespace tiny::net

#endif  // TINY_NET_NFT_BATCH_H_
