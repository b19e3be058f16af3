#include "net/nft_batch.h"

#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tiny::net {
namespace {

constexpr uint16_t kNftSubsystem = NFNL_SUBSYS_NFTABLES << 8;
constexpr size_t kMaxComment = 127;
constexpr size_t kInterfaceName = 16;
// A nested attribute holds 65535 bytes; an element of the longest keys takes less than 200.
constexpr size_t kElementsPerMessage = 300;

nfgenmsg Header(uint8_t family, uint16_t resource) {
  nfgenmsg header = {};
  header.nfgen_family = family;
  header.version = NFNETLINK_V0;
  header.res_id = htobe16(resource);
  return header;
}

// nft's own form of a comment in user data: type 0, length, text with its NUL.
std::string CommentData(absl::string_view comment) {
  const absl::string_view text = comment.substr(0, kMaxComment);
  std::string data;
  data.push_back('\0');
  data.push_back(static_cast<char>(text.size() + 1));
  data.append(text.data(), text.size());
  data.push_back('\0');
  return data;
}

void PutData(MessageBuilder& message, uint16_t type, absl::string_view value) {
  const auto nest = message.Nest(type);
  message.Put(NFTA_DATA_VALUE, value);
}

void PutElement(MessageBuilder& message, const NftElement& element) {
  const auto item = message.Nest(NFTA_LIST_ELEM);
  if (element.interval_end) {
    message.PutBe32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
  }
  PutData(message, NFTA_SET_ELEM_KEY, element.key);
  if (!element.key_end.empty()) PutData(message, NFTA_SET_ELEM_KEY_END, element.key_end);
  if (!element.data.empty()) PutData(message, NFTA_SET_ELEM_DATA, element.data);
  if (!element.comment.empty()) {
    message.Put(NFTA_SET_ELEM_USERDATA, CommentData(element.comment));
  }
}

// Opens "an expression of this name" and closes it at the end of the scope.
class Expression {
 public:
  Expression(MessageBuilder& message, absl::string_view name)
      : item_(message.Nest(NFTA_LIST_ELEM)), data_(Name(message, name)) {}

 private:
  static MessageBuilder::NestScope Name(MessageBuilder& message, absl::string_view name) {
    message.PutString(NFTA_EXPR_NAME, name);
    return message.Nest(NFTA_EXPR_DATA);
  }
  MessageBuilder::NestScope item_;
  MessageBuilder::NestScope data_;
};

}  // namespace

uint32_t ConcatenatedType(absl::Span<const NftType> fields) {
  uint32_t type = 0;
  for (const NftType field : fields) type = type << 6 | field;
  return type;
}

void AppendKey(std::string& key, absl::string_view field) {
  key.append(field.data(), field.size());
  key.append((4 - field.size() % 4) % 4, '\0');
}

std::string InterfaceNameKey(absl::string_view name) {
  std::string key(name.substr(0, kInterfaceName - 1));
  key.resize(kInterfaceName);
  return key;
}

NftRuleBuilder& NftRuleBuilder::Meta(nft_meta_keys key, NftRegister to) {
  const Expression expression(message_, "meta");
  message_.PutBe32(NFTA_META_KEY, key);
  message_.PutBe32(NFTA_META_DREG, to);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::Payload(nft_payload_bases base, uint32_t offset, uint32_t length,
                                        NftRegister to) {
  const Expression expression(message_, "payload");
  message_.PutBe32(NFTA_PAYLOAD_DREG, to);
  message_.PutBe32(NFTA_PAYLOAD_BASE, base);
  message_.PutBe32(NFTA_PAYLOAD_OFFSET, offset);
  message_.PutBe32(NFTA_PAYLOAD_LEN, length);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::SetTransport(uint32_t offset, uint32_t length, NftRegister from,
                                             uint32_t checksum_offset) {
  const Expression expression(message_, "payload");
  message_.PutBe32(NFTA_PAYLOAD_SREG, from);
  message_.PutBe32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
  message_.PutBe32(NFTA_PAYLOAD_OFFSET, offset);
  message_.PutBe32(NFTA_PAYLOAD_LEN, length);
  message_.PutBe32(NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
  message_.PutBe32(NFTA_PAYLOAD_CSUM_OFFSET, checksum_offset);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::Immediate(NftRegister to, absl::string_view value) {
  const Expression expression(message_, "immediate");
  message_.PutBe32(NFTA_IMMEDIATE_DREG, to);
  PutData(message_, NFTA_IMMEDIATE_DATA, value);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::ConnectionTracking(nft_ct_keys key, NftRegister to) {
  const Expression expression(message_, "ct");
  message_.PutBe32(NFTA_CT_DREG, to);
  message_.PutBe32(NFTA_CT_KEY, key);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::FibAddressType(uint32_t flags, NftRegister to) {
  const Expression expression(message_, "fib");
  message_.PutBe32(NFTA_FIB_DREG, to);
  message_.PutBe32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
  message_.PutBe32(NFTA_FIB_FLAGS, flags);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::Bitwise(NftRegister from, NftRegister to, absl::string_view mask,
                                        absl::string_view exclusive_or) {
  const Expression expression(message_, "bitwise");
  message_.PutBe32(NFTA_BITWISE_SREG, from);
  message_.PutBe32(NFTA_BITWISE_DREG, to);
  message_.PutBe32(NFTA_BITWISE_LEN, static_cast<uint32_t>(mask.size()));
  PutData(message_, NFTA_BITWISE_MASK, mask);
  PutData(message_, NFTA_BITWISE_XOR, exclusive_or);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::Compare(nft_cmp_ops op, NftRegister from, absl::string_view value) {
  const Expression expression(message_, "cmp");
  message_.PutBe32(NFTA_CMP_SREG, from);
  message_.PutBe32(NFTA_CMP_OP, op);
  PutData(message_, NFTA_CMP_DATA, value);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::CompareByte(nft_cmp_ops op, NftRegister from, uint8_t value) {
  return Compare(op, from, BytesOf(value));
}

NftRuleBuilder& NftRuleBuilder::CompareU32(nft_cmp_ops op, NftRegister from, uint32_t host_order) {
  return Compare(op, from, BytesOf(host_order));
}

NftRuleBuilder& NftRuleBuilder::CompareString(nft_cmp_ops op, NftRegister from,
                                              absl::string_view name) {
  return Compare(op, from, InterfaceNameKey(name));
}

NftRuleBuilder& NftRuleBuilder::Lookup(absl::string_view set, NftRegister from, bool inverted) {
  const Expression expression(message_, "lookup");
  message_.PutString(NFTA_LOOKUP_SET, set);
  message_.PutBe32(NFTA_LOOKUP_SREG, from);
  if (inverted) message_.PutBe32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::LookupMap(absl::string_view map, NftRegister from, NftRegister to) {
  const Expression expression(message_, "lookup");
  message_.PutString(NFTA_LOOKUP_SET, map);
  message_.PutBe32(NFTA_LOOKUP_SREG, from);
  message_.PutBe32(NFTA_LOOKUP_DREG, to);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::DestinationNat(uint8_t family, NftRegister address,
                                               NftRegister port) {
  const Expression expression(message_, "nat");
  message_.PutBe32(NFTA_NAT_TYPE, NFT_NAT_DNAT);
  message_.PutBe32(NFTA_NAT_FAMILY, family);
  message_.PutBe32(NFTA_NAT_REG_ADDR_MIN, address);
  message_.PutBe32(NFTA_NAT_REG_PROTO_MIN, port);
  return *this;
}

NftRuleBuilder& NftRuleBuilder::Masquerade() {
  const Expression expression(message_, "masq");
  return *this;
}

NftRuleBuilder& NftRuleBuilder::Counter() {
  const Expression expression(message_, "counter");
  return *this;
}

NftRuleBuilder& NftRuleBuilder::Verdict(int32_t code, absl::string_view chain) {
  const Expression expression(message_, "immediate");
  message_.PutBe32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  const auto data = message_.Nest(NFTA_IMMEDIATE_DATA);
  const auto verdict = message_.Nest(NFTA_DATA_VERDICT);
  message_.PutBe32(NFTA_VERDICT_CODE, static_cast<uint32_t>(code));
  if (!chain.empty()) message_.PutString(NFTA_VERDICT_CHAIN, chain);
  return *this;
}

NftBatch::NftBatch(NftTable table) : table_(std::move(table)) {
  message_.BeginUnanswered(NFNL_MSG_BATCH_BEGIN, 0, "nftables transaction");
  message_.PutHeader(Header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

void NftBatch::Begin(int type, uint16_t flags, absl::string_view what) {
  message_.Begin(kNftSubsystem | static_cast<uint16_t>(type), flags, what);
  message_.PutHeader(Header(table_.family, 0));
}

void NftBatch::AddTable(absl::string_view comment) {
  Begin(NFT_MSG_NEWTABLE, NLM_F_CREATE, absl::StrCat("add nft table ", table_.name));
  message_.PutString(NFTA_TABLE_NAME, table_.name);
  if (!comment.empty()) message_.Put(NFTA_TABLE_USERDATA, CommentData(comment));
}

void NftBatch::AddNewTable() {
  Begin(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, absl::StrCat("add nft table ", table_.name));
  message_.PutString(NFTA_TABLE_NAME, table_.name);
}

void NftBatch::DeleteTable() {
  Begin(NFT_MSG_DELTABLE, 0, absl::StrCat("delete nft table ", table_.name));
  message_.PutString(NFTA_TABLE_NAME, table_.name);
}

void NftBatch::AddChain(const NftChainSpec& chain) {
  Begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE,
        absl::StrCat("add nft chain ", table_.name, " ", chain.name));
  message_.PutString(NFTA_CHAIN_TABLE, table_.name);
  message_.PutString(NFTA_CHAIN_NAME, chain.name);
  if (chain.type.empty()) return;
  {
    const auto hook = message_.Nest(NFTA_CHAIN_HOOK);
    message_.PutBe32(NFTA_HOOK_HOOKNUM, chain.hook);
    message_.PutBe32(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(chain.priority));
  }
  message_.PutBe32(NFTA_CHAIN_POLICY, chain.policy);
  message_.PutString(NFTA_CHAIN_TYPE, chain.type);
}

void NftBatch::FlushChain(absl::string_view chain) {
  Begin(NFT_MSG_DELRULE, 0, absl::StrCat("flush nft chain ", table_.name, " ", chain));
  message_.PutString(NFTA_RULE_TABLE, table_.name);
  message_.PutString(NFTA_RULE_CHAIN, chain);
}

void NftBatch::AddSet(const NftSetSpec& set) {
  Begin(NFT_MSG_NEWSET, NLM_F_CREATE, absl::StrCat("add nft set ", table_.name, " ", set.name));
  message_.PutString(NFTA_SET_TABLE, table_.name);
  message_.PutString(NFTA_SET_NAME, set.name);
  message_.PutBe32(NFTA_SET_ID, next_set_id_++);
  message_.PutBe32(NFTA_SET_FLAGS, set.flags | (set.data_length > 0 ? uint32_t{NFT_SET_MAP} : 0));
  message_.PutBe32(NFTA_SET_KEY_TYPE, set.key_type);
  message_.PutBe32(NFTA_SET_KEY_LEN, set.key_length);
  if (set.data_length > 0) {
    message_.PutBe32(NFTA_SET_DATA_TYPE, set.data_type);
    message_.PutBe32(NFTA_SET_DATA_LEN, set.data_length);
  }
  if (set.field_lengths.empty()) return;
  const auto description = message_.Nest(NFTA_SET_DESC);
  const auto fields = message_.Nest(NFTA_SET_DESC_CONCAT);
  for (const uint32_t length : set.field_lengths) {
    const auto field = message_.Nest(NFTA_LIST_ELEM);
    message_.PutBe32(NFTA_SET_FIELD_LEN, length);
  }
}

NftRuleBuilder NftBatch::StartRule(uint16_t flags, absl::string_view chain,
                                   absl::string_view comment) {
  Begin(NFT_MSG_NEWRULE, NLM_F_CREATE | flags,
        absl::StrCat("add nft rule ", comment, " to ", table_.name, " ", chain));
  message_.PutString(NFTA_RULE_TABLE, table_.name);
  message_.PutString(NFTA_RULE_CHAIN, chain);
  if (!comment.empty()) message_.Put(NFTA_RULE_USERDATA, CommentData(comment));
  return NftRuleBuilder(message_, message_.Nest(NFTA_RULE_EXPRESSIONS));
}

NftRuleBuilder NftBatch::AddRule(absl::string_view chain, absl::string_view comment) {
  return StartRule(NLM_F_APPEND, chain, comment);
}

NftRuleBuilder NftBatch::InsertRule(absl::string_view chain, absl::string_view comment) {
  return StartRule(0, chain, comment);
}

void NftBatch::DeleteRule(absl::string_view chain, uint64_t handle) {
  Begin(NFT_MSG_DELRULE, 0, absl::StrCat("delete an nft rule of ", table_.name, " ", chain));
  message_.PutString(NFTA_RULE_TABLE, table_.name);
  message_.PutString(NFTA_RULE_CHAIN, chain);
  message_.PutBe64(NFTA_RULE_HANDLE, handle);
}

void NftBatch::PutElements(int type, uint16_t flags, absl::string_view verb, absl::string_view set,
                           absl::Span<const NftElement> elements) {
  while (!elements.empty()) {
    const auto part = elements.subspan(0, kElementsPerMessage);
    elements.remove_prefix(part.size());
    Begin(type, flags, absl::StrCat(verb, " elements of nft set ", table_.name, " ", set));
    message_.PutString(NFTA_SET_ELEM_LIST_TABLE, table_.name);
    message_.PutString(NFTA_SET_ELEM_LIST_SET, set);
    const auto list = message_.Nest(NFTA_SET_ELEM_LIST_ELEMENTS);
    for (const NftElement& element : part) PutElement(message_, element);
  }
}

void NftBatch::AddElements(absl::string_view set, absl::Span<const NftElement> elements) {
  PutElements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, "add", set, elements);
}

void NftBatch::DeleteElements(absl::string_view set, absl::Span<const NftElement> elements) {
  PutElements(NFT_MSG_DELSETELEM, 0, "delete", set, elements);
}

absl::Status NftBatch::Commit(NetlinkSocket& socket) {
  message_.BeginUnanswered(NFNL_MSG_BATCH_END, 0, "nftables transaction");
  message_.PutHeader(Header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
  return socket.Execute(message_);
}

}  // namespace tiny::net
