#include "runtime/network/dns_message.h"

#include <sys/socket.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace tiny::runtime {
namespace {

constexpr char kTruncated = 0x02;  // in the third byte
constexpr size_t kHeader = 12;
constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxName = 253;
constexpr uint16_t kInternet = 1;
// Containers come and go: a short memory.
constexpr uint32_t kTimeToLive = 5;
// A pointer to the question's name, which is right after the header.
constexpr uint16_t kPointerToQuestion = 0xc000 | kHeader;

uint16_t Get16(absl::string_view bytes, size_t offset) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[offset]) << 8 |
                               static_cast<uint8_t>(bytes[offset + 1]));
}

void Put16(std::string& bytes, uint16_t value) {
  bytes.push_back(static_cast<char>(value >> 8));
  bytes.push_back(static_cast<char>(value));
}

bool PutName(std::string& bytes, absl::string_view name) {
  for (const absl::string_view label : absl::StrSplit(name, '.', absl::SkipEmpty())) {
    if (label.size() > kMaxLabel) return false;
    bytes.push_back(static_cast<char>(label.size()));
    bytes.append(label.data(), label.size());
  }
  bytes.push_back('\0');
  return name.size() <= kMaxName;
}

void PutRecord(std::string& bytes, uint16_t type, absl::string_view data) {
  Put16(bytes, kPointerToQuestion);
  Put16(bytes, type);
  Put16(bytes, kInternet);
  Put16(bytes, 0);
  Put16(bytes, kTimeToLive);
  Put16(bytes, static_cast<uint16_t>(data.size()));
  bytes.append(data.data(), data.size());
}

}  // namespace

std::optional<DnsQuestion> ParseDnsQuestion(absl::string_view message) {
  if (message.size() < kHeader || Get16(message, 4) != 1) return std::nullopt;
  DnsQuestion question;
  question.id = Get16(message, 0);
  question.is_response = (message[2] & 0x80) != 0;
  size_t offset = kHeader;
  while (true) {
    if (offset >= message.size()) return std::nullopt;
    const size_t length = static_cast<uint8_t>(message[offset++]);
    if (length == 0) break;
    if (length > kMaxLabel || length > message.size() - offset) return std::nullopt;
    if (!question.name.empty()) question.name.push_back('.');
    for (const char c : message.substr(offset, length)) {
      // A dot inside a label would make two names look the same.
      if (c == '.' || c == '\0') return std::nullopt;
      question.name.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    }
    offset += length;
    if (question.name.size() > kMaxName) return std::nullopt;
  }
  if (message.size() - offset < 4) return std::nullopt;
  question.type = Get16(message, offset);
  question.dns_class = Get16(message, offset + 2);
  question.end = offset + 4;
  return question;
}

std::string MakeDnsAnswer(absl::string_view query, const DnsQuestion& question, DnsCode code,
                          const std::vector<net::IpAddress>& addresses,
                          const std::vector<std::string>& names, size_t limit) {
  std::string answer(query.substr(0, question.end));
  // A response, authoritative, recursion available; the opcode and "recursion desired" are kept.
  answer[2] = static_cast<char>((answer[2] & 0x79) | 0x84);
  answer[3] = static_cast<char>(0x80 | code);
  std::string records;
  uint16_t count = 0;
  const auto add = [&](DnsType type, absl::string_view data) {
    const size_t before = records.size();
    PutRecord(records, type, data);
    if (answer.size() + records.size() <= limit) {
      ++count;
    } else {
      records.resize(before);
      answer[2] |= kTruncated;
    }
  };
  for (const net::IpAddress& address : addresses) {
    const DnsType type = address.is_v4() ? kDnsA : kDnsAaaa;
    if (question.type == type) add(type, address.View());
  }
  for (const std::string& name : names) {
    std::string data;
    if (question.type == kDnsPtr && PutName(data, name)) add(kDnsPtr, data);
  }
  std::string counts;
  Put16(counts, count);
  answer.replace(6, 6, counts + std::string(4, '\0'));
  return answer + records;
}

std::optional<net::IpAddress> ParseReverseName(absl::string_view name) {
  std::vector<absl::string_view> labels = absl::StrSplit(name, '.');
  std::string text;
  if (absl::EndsWith(name, ".in-addr.arpa") && labels.size() == 6) {
    text = absl::StrJoin(labels.rend() - 4, labels.rend(), ".");
  } else if (absl::EndsWith(name, ".ip6.arpa") && labels.size() == 34) {
    for (size_t i = 32; i-- > 0;) {
      if (labels[i].size() != 1) return std::nullopt;
      text.append(labels[i].data(), 1);
      if (i % 4 == 0 && i != 0) text.push_back(':');
    }
  }
  auto address = net::ParseIpAddress(text);
  if (!address.ok()) return std::nullopt;
  return *address;
}

std::string MakeDnsQuery(uint16_t id, absl::string_view name, DnsType type) {
  std::string query;
  for (const uint16_t word :
       {id, uint16_t{0x0100}, uint16_t{1}, uint16_t{0}, uint16_t{0}, uint16_t{0}}) {
    Put16(query, word);
  }
  if (!PutName(query, name)) return "";
  Put16(query, type);
  Put16(query, kInternet);
  return query;
}

std::optional<net::IpAddress> FirstDnsAddress(absl::string_view answer) {
  const auto question = ParseDnsQuestion(answer);
  if (!question) return std::nullopt;
  size_t offset = question->end;
  for (int left = Get16(answer, 6); left > 0; --left) {
    // The record's name: labels up to a zero or a pointer.
    while (offset < answer.size() && static_cast<uint8_t>(answer[offset]) < 0xc0 &&
           answer[offset] != 0) {
      offset += 1 + static_cast<uint8_t>(answer[offset]);
    }
    if (offset >= answer.size()) return std::nullopt;
    offset += answer[offset] == 0 ? 1 : 2;
    if (offset > answer.size() || answer.size() - offset < 10) return std::nullopt;
    const uint16_t type = Get16(answer, offset);
    const size_t size = Get16(answer, offset + 8);
    offset += 10;
    if (size > answer.size() - offset) return std::nullopt;
    if (type == kDnsA && size == 4) return net::IpAddress::FromBytes(AF_INET, &answer[offset]);
    if (type == kDnsAaaa && size == 16) return net::IpAddress::FromBytes(AF_INET6, &answer[offset]);
    offset += size;
  }
  return std::nullopt;
}

}  // namespace tiny::runtime
