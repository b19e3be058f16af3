#include "net/nft_list.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "net/query_list.h"

namespace tiny::net {
namespace {

constexpr uint16_t kNftSubsystem = NFNL_SUBSYS_NFTABLES << 8;

void Begin(MessageBuilder& batch, int type, uint16_t flags, uint8_t family, absl::string_view what,
           int tolerated_errno = 0) {
  batch.Begin(kNftSubsystem | static_cast<uint16_t>(type), flags, what, tolerated_errno);
  nfgenmsg header = {};
  header.nfgen_family = family;
  header.version = NFNETLINK_V0;
  batch.PutHeader(header);
}

bool Is(const MessageView& message, int type) {
  return message.header.nlmsg_type == (kNftSubsystem | type) &&
         message.Header<nfgenmsg>().has_value();
}

// The comment in nft's user data; empty if there is none.
std::string CommentOf(absl::string_view data) {
  while (data.size() >= 2) {
    const size_t length = static_cast<uint8_t>(data[1]);
    if (length > data.size() - 2) break;
    const absl::string_view value = data.substr(2, length);
    if (data[0] == '\0') return std::string(value.substr(0, value.find('\0')));
    data.remove_prefix(2 + length);
  }
  return "";
}

absl::string_view DataValue(absl::string_view nest) {
  const auto value = FindAttribute(nest, NFTA_DATA_VALUE);
  return value ? value->payload : absl::string_view();
}

uint32_t Be32Of(absl::string_view bytes, uint16_t type) {
  const auto attribute = FindAttribute(bytes, type);
  return attribute ? attribute->Be32() : 0;
}

void ParseVerdict(absl::string_view data, NftExpressionInfo& expression) {
  const auto immediate = FindAttribute(data, NFTA_IMMEDIATE_DATA);
  if (!immediate) return;
  const auto verdict = FindAttribute(immediate->payload, NFTA_DATA_VERDICT);
  if (!verdict) return;
  expression.verdict = static_cast<int32_t>(Be32Of(verdict->payload, NFTA_VERDICT_CODE));
  if (const auto chain = FindAttribute(verdict->payload, NFTA_VERDICT_CHAIN)) {
    expression.chain = std::string(chain->String());
  }
}

NftExpressionInfo ParseExpression(absl::string_view item) {
  NftExpressionInfo expression;
  if (const auto name = FindAttribute(item, NFTA_EXPR_NAME)) {
    expression.name = std::string(name->String());
  }
  const auto nest = FindAttribute(item, NFTA_EXPR_DATA);
  if (!nest) return expression;
  const absl::string_view data = nest->payload;
  if (expression.name == "meta") expression.key = Be32Of(data, NFTA_META_KEY);
  if (expression.name == "ct") expression.key = Be32Of(data, NFTA_CT_KEY);
  if (expression.name == "immediate") ParseVerdict(data, expression);
  if (expression.name == "cmp") {
    if (const auto value = FindAttribute(data, NFTA_CMP_DATA)) {
      expression.value = std::string(DataValue(value->payload));
    }
  }
  if (expression.name == "lookup") {
    if (const auto set = FindAttribute(data, NFTA_LOOKUP_SET)) {
      expression.value = std::string(set->String());
    }
  }
  if (expression.name == "counter") {
    if (const auto packets = FindAttribute(data, NFTA_COUNTER_PACKETS)) {
      expression.packets = packets->Be64();
    }
  }
  return expression;
}

}  // namespace

uint64_t NftRuleInfo::packets() const {
  for (const NftExpressionInfo& expression : expressions) {
    if (expression.name == "counter") return expression.packets;
  }
  return 0;
}

std::optional<int32_t> NftRuleInfo::verdict() const {
  return expressions.empty() ? std::nullopt : expressions.back().verdict;
}

std::optional<NftTableInfo> ParseNftTable(const MessageView& message) {
  if (!Is(message, NFT_MSG_NEWTABLE)) return std::nullopt;
  NftTableInfo info;
  info.table.family = message.Header<nfgenmsg>()->nfgen_family;
  AttributeReader reader(message.AttributesAfter<nfgenmsg>());
  while (const auto attribute = reader.Next()) {
    if (attribute->type == NFTA_TABLE_NAME) info.table.name = std::string(attribute->String());
    if (attribute->type == NFTA_TABLE_USE) info.use = attribute->Be32();
    if (attribute->type == NFTA_TABLE_USERDATA) info.comment = CommentOf(attribute->payload);
  }
  if (reader.malformed() || info.table.name.empty()) return std::nullopt;
  return info;
}

std::optional<NftChainInfo> ParseNftChain(const MessageView& message) {
  if (!Is(message, NFT_MSG_NEWCHAIN)) return std::nullopt;
  NftChainInfo info;
  info.table.family = message.Header<nfgenmsg>()->nfgen_family;
  AttributeReader reader(message.AttributesAfter<nfgenmsg>());
  while (const auto attribute = reader.Next()) {
    switch (attribute->type) {
      case NFTA_CHAIN_TABLE:
        info.table.name = std::string(attribute->String());
        break;
      case NFTA_CHAIN_NAME:
        info.name = std::string(attribute->String());
        break;
      case NFTA_CHAIN_TYPE:
        info.type = std::string(attribute->String());
        break;
      case NFTA_CHAIN_POLICY:
        info.policy = attribute->Be32();
        break;
      case NFTA_CHAIN_USE:
        info.use = attribute->Be32();
        break;
      case NFTA_CHAIN_HOOK:
        info.hook = Be32Of(attribute->payload, NFTA_HOOK_HOOKNUM);
        info.priority = static_cast<int32_t>(Be32Of(attribute->payload, NFTA_HOOK_PRIORITY));
        break;
      default:
        break;
    }
  }
  if (reader.malformed() || info.name.empty()) return std::nullopt;
  return info;
}

std::optional<NftRuleInfo> ParseNftRule(const MessageView& message) {
  if (!Is(message, NFT_MSG_NEWRULE)) return std::nullopt;
  NftRuleInfo info;
  info.table.family = message.Header<nfgenmsg>()->nfgen_family;
  AttributeReader reader(message.AttributesAfter<nfgenmsg>());
  while (const auto attribute = reader.Next()) {
    switch (attribute->type) {
      case NFTA_RULE_TABLE:
        info.table.name = std::string(attribute->String());
        break;
      case NFTA_RULE_CHAIN:
        info.chain = std::string(attribute->String());
        break;
      case NFTA_RULE_HANDLE:
        info.handle = attribute->Be64();
        break;
      case NFTA_RULE_USERDATA:
        info.comment = CommentOf(attribute->payload);
        break;
      case NFTA_RULE_EXPRESSIONS: {
        AttributeReader items(attribute->payload);
        while (const auto item = items.Next()) {
          info.expressions.push_back(ParseExpression(item->payload));
        }
        if (items.malformed()) return std::nullopt;
        break;
      }
      default:
        break;
    }
  }
  if (reader.malformed() || info.chain.empty()) return std::nullopt;
  return info;
}

bool ParseNftElements(const MessageView& message, std::vector<NftElement>& elements) {
  if (!Is(message, NFT_MSG_NEWSETELEM)) return true;
  const auto list = FindAttribute(message.AttributesAfter<nfgenmsg>(), NFTA_SET_ELEM_LIST_ELEMENTS);
  if (!list) return true;
  AttributeReader items(list->payload);
  while (const auto item = items.Next()) {
    NftElement element;
    AttributeReader fields(item->payload);
    while (const auto field = fields.Next()) {
      if (field->type == NFTA_SET_ELEM_KEY) element.key = std::string(DataValue(field->payload));
      if (field->type == NFTA_SET_ELEM_KEY_END) {
        element.key_end = std::string(DataValue(field->payload));
      }
      if (field->type == NFTA_SET_ELEM_DATA) element.data = std::string(DataValue(field->payload));
      if (field->type == NFTA_SET_ELEM_USERDATA) element.comment = CommentOf(field->payload);
      if (field->type == NFTA_SET_ELEM_FLAGS) {
        element.interval_end = (field->Be32() & NFT_SET_ELEM_INTERVAL_END) != 0;
      }
    }
    if (fields.malformed()) return false;
    elements.push_back(std::move(element));
  }
  return !items.malformed();
}

absl::StatusOr<std::vector<NftChainInfo>> ListNftChains(NetlinkSocket& socket) {
  MessageBuilder batch;
  Begin(batch, NFT_MSG_GETCHAIN, NLM_F_DUMP, NFPROTO_UNSPEC, "list nft chains");
  return QueryList(socket, batch, &ParseNftChain);
}

absl::StatusOr<std::vector<NftRuleInfo>> ListNftRules(NetlinkSocket& socket,
                                                      const NftTable& table) {
  MessageBuilder batch;
  Begin(batch, NFT_MSG_GETRULE, NLM_F_DUMP, table.family,
        absl::StrCat("list the rules of nft table ", table.name));
  batch.PutString(NFTA_RULE_TABLE, table.name);
  auto rules = QueryList(socket, batch, &ParseNftRule);
  if (rules.ok()) {
    std::erase_if(*rules, [&](const NftRuleInfo& rule) {
      return rule.table.name != table.name || rule.table.family != table.family;
    });
  }
  return rules;
}

absl::StatusOr<std::vector<NftElement>> ListNftElements(NetlinkSocket& socket,
                                                        const NftTable& table,
                                                        absl::string_view set) {
  MessageBuilder batch;
  Begin(batch, NFT_MSG_GETSETELEM, NLM_F_DUMP, table.family,
        absl::StrCat("list nft set ", table.name, " ", set));
  batch.PutString(NFTA_SET_ELEM_LIST_TABLE, table.name);
  batch.PutString(NFTA_SET_ELEM_LIST_SET, set);
  std::vector<NftElement> elements;
  RETURN_IF_ERROR(socket.Query(
      batch, [&] { elements.clear(); },
      [&](size_t, const MessageView& message) {
        if (ParseNftElements(message, elements)) return absl::OkStatus();
        return absl::DataLossError("a dump of an nft set is malformed");
      }));
  return elements;
}

absl::StatusOr<std::vector<std::optional<NftSummary>>> SummarizeNftTables(
    NetlinkSocket& socket, absl::Span<const NftTableChains> tables) {
  MessageBuilder batch;
  // What each request asks for: a table by its index, and one of its chains or -1.
  std::vector<std::pair<size_t, int>> requests;
  for (size_t i = 0; i < tables.size(); ++i) {
    const NftTable& table = tables[i].table;
    Begin(batch, NFT_MSG_GETTABLE, 0, table.family, absl::StrCat("look up nft table ", table.name),
          ENOENT);
    batch.PutString(NFTA_TABLE_NAME, table.name);
    requests.emplace_back(i, -1);
    for (const absl::string_view chain : tables[i].chains) {
      Begin(batch, NFT_MSG_GETCHAIN, 0, table.family,
            absl::StrCat("look up nft chain ", table.name, " ", chain), ENOENT);
      batch.PutString(NFTA_CHAIN_TABLE, table.name);
      batch.PutString(NFTA_CHAIN_NAME, chain);
      requests.emplace_back(i, requests.back().second + 1);
    }
  }
  std::vector<std::optional<NftSummary>> summaries;
  RETURN_IF_ERROR(socket.Query(
      batch, [&] { summaries.assign(tables.size(), std::nullopt); },
      [&](size_t request, const MessageView& message) {
        const auto [table, chain] = requests[request];
        std::optional<NftSummary>& summary = summaries[table];
        if (chain < 0) {
          if (auto info = ParseNftTable(message)) {
            summary.emplace().table = *std::move(info);
            summary->chains.resize(tables[table].chains.size());
          }
        } else if (auto info = ParseNftChain(message); info && summary) {
          summary->chains[static_cast<size_t>(chain)] = *std::move(info);
        }
        return absl::OkStatus();
      }));
  return summaries;
}

}  // namespace tiny::net
