#include "net/netlink_message.h"

#include <endian.h>

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace tiny::net {
namespace {

constexpr size_t kMaxAttribute = std::numeric_limits<uint16_t>::max();

size_t Padding(size_t size) { return NLMSG_ALIGN(size) - size; }

}  // namespace

void MessageBuilder::Fail(absl::string_view why) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(absl::StrCat(
      requests_.empty() ? absl::string_view("netlink message") : requests_.back().what, ": ", why));
}

bool MessageBuilder::Reserve(size_t size) {
  if (!status_.ok()) return false;
  if (requests_.empty()) {
    Fail("no message was begun");
    return false;
  }
  if (size > kMaxBatch - buffer_.size()) {
    Fail("the batch is too long");
    return false;
  }
  return true;
}

void MessageBuilder::Begin(uint16_t type, uint16_t flags, absl::string_view what,
                           int tolerated_errno) {
  CloseMessage();
  requests_.push_back({std::string(what), buffer_.size(), tolerated_errno, true});
  nlmsghdr header = {};
  header.nlmsg_type = type;
  header.nlmsg_flags = flags | NLM_F_REQUEST;
  PutBytes(BytesOf(header));
}

void MessageBuilder::BeginUnanswered(uint16_t type, uint16_t flags, absl::string_view what) {
  Begin(type, flags, what);
  requests_.back().answered = false;
}

void MessageBuilder::CloseMessage() {
  if (requests_.empty() || !status_.ok()) return;
  const size_t offset = requests_.back().offset;
  const uint32_t length = static_cast<uint32_t>(buffer_.size() - offset);
  memcpy(&buffer_[offset + offsetof(nlmsghdr, nlmsg_len)], &length, sizeof(length));
}

void MessageBuilder::PutBytes(absl::string_view bytes) {
  if (!Reserve(bytes.size() + Padding(bytes.size()))) return;
  buffer_.append(bytes.data(), bytes.size());
  buffer_.append(Padding(bytes.size()), '\0');
}

void MessageBuilder::Put(uint16_t type, absl::string_view payload) {
  const size_t length = NLA_HDRLEN + payload.size();
  if (length > kMaxAttribute) return Fail("an attribute is longer than 65535 bytes");
  if (!Reserve(length + Padding(length))) return;
  const nlattr header = {static_cast<uint16_t>(length), type};
  buffer_.append(reinterpret_cast<const char*>(&header), sizeof(header));
  buffer_.append(payload.data(), payload.size());
  buffer_.append(Padding(length), '\0');
}

void MessageBuilder::PutString(uint16_t type, absl::string_view text) {
  if (text.find('\0') != absl::string_view::npos) return Fail("a string holds a NUL");
  const size_t length = NLA_HDRLEN + text.size() + 1;
  if (length > kMaxAttribute) return Fail("a string is longer than 65530 bytes");
  if (!Reserve(length + Padding(length))) return;
  const nlattr header = {static_cast<uint16_t>(length), type};
  buffer_.append(reinterpret_cast<const char*>(&header), sizeof(header));
  buffer_.append(text.data(), text.size());
  buffer_.append(1 + Padding(length), '\0');
}

void MessageBuilder::PutBe32(uint16_t type, uint32_t value) { PutValue(type, htobe32(value)); }
void MessageBuilder::PutBe64(uint16_t type, uint64_t value) { PutValue(type, htobe64(value)); }

MessageBuilder::NestScope MessageBuilder::Nest(uint16_t type) {
  const size_t offset = buffer_.size();
  Put(type | NLA_F_NESTED, absl::string_view());
  return NestScope(this, offset);
}

void MessageBuilder::CloseNest(size_t offset) {
  if (!status_.ok()) return;
  const size_t length = buffer_.size() - offset;
  if (length > kMaxAttribute) return Fail("a nested attribute is longer than 65535 bytes");
  const uint16_t value = static_cast<uint16_t>(length);
  memcpy(&buffer_[offset + offsetof(nlattr, nla_len)], &value, sizeof(value));
}

void MessageBuilder::Clear() {
  buffer_.clear();
  requests_.clear();
  status_ = absl::OkStatus();
}

absl::string_view MessageBuilder::Finish(uint32_t first_sequence) {
  if (!status_.ok()) return absl::string_view();
  CloseMessage();
  bool acknowledged = false;
  for (size_t i = requests_.size(); i-- > 0;) {
    nlmsghdr header;
    memcpy(&header, &buffer_[requests_[i].offset], sizeof(header));
    header.nlmsg_seq = first_sequence + static_cast<uint32_t>(i);
    // A dump ends by NLMSG_DONE.
    if (requests_[i].answered && !acknowledged) {
      acknowledged = true;
      if ((header.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) header.nlmsg_flags |= NLM_F_ACK;
    }
    memcpy(&buffer_[requests_[i].offset], &header, sizeof(header));
  }
  return buffer_;
}

uint32_t AttributeView::Be32() const { return be32toh(As<uint32_t>().value_or(0)); }
uint64_t AttributeView::Be64() const { return be64toh(As<uint64_t>().value_or(0)); }

std::optional<AttributeView> AttributeReader::Next() {
  if (rest_.empty()) return std::nullopt;
  const auto header = AttributeView{0, rest_}.As<nlattr>();
  if (!header || header->nla_len < NLA_HDRLEN || header->nla_len > rest_.size()) {
    malformed_ = true;
    rest_ = absl::string_view();
    return std::nullopt;
  }
  const AttributeView attribute = {static_cast<uint16_t>(header->nla_type & NLA_TYPE_MASK),
                                   rest_.substr(NLA_HDRLEN, header->nla_len - NLA_HDRLEN)};
  rest_.remove_prefix(std::min<size_t>(rest_.size(), NLA_ALIGN(header->nla_len)));
  return attribute;
}

std::optional<AttributeView> FindAttribute(absl::string_view bytes, uint16_t type) {
  for (AttributeReader reader(bytes); auto attribute = reader.Next();) {
    if (attribute->type == type) return attribute;
  }
  return std::nullopt;
}

std::optional<MessageView> MessageReader::Next() {
  if (rest_.empty()) return std::nullopt;
  const auto header = AttributeView{0, rest_}.As<nlmsghdr>();
  if (!header || header->nlmsg_len < NLMSG_HDRLEN || header->nlmsg_len > rest_.size()) {
    malformed_ = true;
    rest_ = absl::string_view();
    return std::nullopt;
  }
  const MessageView message = {*header,
                               rest_.substr(NLMSG_HDRLEN, header->nlmsg_len - NLMSG_HDRLEN)};
  rest_.remove_prefix(std::min<size_t>(rest_.size(), NLMSG_ALIGN(size_t{header->nlmsg_len})));
  return message;
}

std::optional<Acknowledgement> ParseAcknowledgement(const MessageView& message) {
  const auto error = message.Header<nlmsgerr>();
  if (message.header.nlmsg_type != NLMSG_ERROR || !error) return std::nullopt;
  Acknowledgement result;
  // The kernel sends -errno; anything else is not from this kernel.
  if (error->error > 0 || error->error < -4095) return std::nullopt;
  result.error_number = -error->error;
  if ((message.header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return result;
  size_t offset = sizeof(nlmsgerr);
  // Unless it is capped, the request's payload is echoed between the header and the attributes.
  if ((message.header.nlmsg_flags & NLM_F_CAPPED) == 0 && result.error_number != 0 &&
      error->msg.nlmsg_len >= NLMSG_HDRLEN) {
    offset += NLMSG_ALIGN(size_t{error->msg.nlmsg_len}) - NLMSG_HDRLEN;
  }
  if (offset > message.payload.size()) return result;
  if (const auto text = FindAttribute(message.payload.substr(offset), NLMSGERR_ATTR_MSG)) {
    result.text = std::string(text->String());
  }
  return result;
}

}  // namespace tiny::net
