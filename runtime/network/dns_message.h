// DNS messages, as much as a forwarding resolver needs: one question in, addresses or names out.
// Pure functions that never read past the end; fuzzed. Source: RFC 1035. Thread-safe.
#ifndef TINY_RUNTIME_NETWORK_DNS_MESSAGE_H_
#define TINY_RUNTIME_NETWORK_DNS_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/ip_address.h"

namespace tiny::runtime {

enum DnsType : uint16_t { kDnsA = 1, kDnsPtr = 12, kDnsAaaa = 28 };
enum DnsCode : uint8_t { kDnsNoError = 0, kDnsFormatError = 1, kDnsServerFailure = 2 };

struct DnsQuestion {
  uint16_t id = 0;
  bool is_response = false;
  std::string name;  // in lower case, without the last dot: "web.example"
  uint16_t type = 0;
  uint16_t dns_class = 0;  // 1: the Internet
  size_t end = 0;          // offset after the question
};

// The header and the question of a query or an answer; nothing if it is malformed, has not exactly
// one question, or a name with a compressed or over-long label.
std::optional<DnsQuestion> ParseDnsQuestion(absl::string_view message);

// How long an answer may be by UDP, to those who did not ask for more, and by TCP.
inline constexpr size_t kMaxDnsDatagram = 512;
inline constexpr size_t kMaxDnsMessage = 65535;

// An answer to `query`, which ParseDnsQuestion has read: no records is a name without such data.
// Those that would make it longer than `limit` are left out, and it says that it is truncated.
std::string MakeDnsAnswer(absl::string_view query, const DnsQuestion& question, DnsCode code,
                          const std::vector<net::IpAddress>& addresses,
                          const std::vector<std::string>& names, size_t limit = kMaxDnsDatagram);

// The address that a PTR question asks for: "2.0.10.10.in-addr.arpa", or 32 nibbles of ip6.arpa.
std::optional<net::IpAddress> ParseReverseName(absl::string_view name);

// A query for the addresses of `name`; empty if it can't be a name. For the doctor.
std::string MakeDnsQuery(uint16_t id, absl::string_view name, DnsType type);

// The first A or AAAA record of an answer; nothing if there is none or it is malformed.
std::optional<net::IpAddress> FirstDnsAddress(absl::string_view answer);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_DNS_MESSAGE_H_
