#include "net/ip_address.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tiny::net {
namespace {

absl::Status Invalid(absl::string_view what, absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not ", what));
}

// The address with all bits from `from` on cleared or set.
IpAddress WithHostBits(IpAddress address, int from, bool set) {
  for (int bit = from; bit < address.bits();) {
    const int byte = bit / 8;
    const uint8_t mask = 0xff >> (bit % 8);
    if (set) {
      address.bytes[byte] |= mask;
    } else {
      address.bytes[byte] &= ~mask;
    }
    bit = (byte + 1) * 8;
  }
  return address;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

IpAddress IpAddress::V4(uint32_t host_order) {
  const uint32_t wire = htobe32(host_order);
  return FromBytes(AF_INET, &wire);
}

IpAddress IpAddress::FromBytes(int family, const void* data) {
  IpAddress result;
  result.family = static_cast<uint8_t>(family);
  memcpy(result.bytes.data(), data, result.size());
  return result;
}

bool IpAddress::is_v4() const { return family == AF_INET; }
bool IpAddress::is_v6() const { return family == AF_INET6; }

uint32_t IpAddress::v4() const {
  uint32_t wire;
  memcpy(&wire, bytes.data(), sizeof(wire));
  return be32toh(wire);
}

bool IpAddress::IsLoopback() const {
  if (is_v4()) return bytes[0] == 127;
  return is_v6() && bytes[15] == 1 &&
         std::all_of(bytes.begin(), bytes.begin() + 15, [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::IsUnspecified() const {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::IsLinkLocal() const {
  if (is_v4()) return bytes[0] == 169 && bytes[1] == 254;
  return is_v6() && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  if (size() == 0 || inet_ntop(family, bytes.data(), text, sizeof(text)) == nullptr) return "";
  return text;
}

IpAddress IpAddress::Plus(uint64_t count) const {
  IpAddress result = *this;
  uint64_t carry = count;
  for (int i = size() - 1; i >= 0 && carry > 0; --i) {
    // The low byte is added by itself, as carry + byte could overflow.
    const uint64_t sum = (carry & 0xff) + result.bytes[i];
    result.bytes[i] = static_cast<uint8_t>(sum);
    carry = (carry >> 8) + (sum >> 8);
  }
  return result;
}

IpAddress IpPrefix::First() const { return WithHostBits(address, length, false); }
IpAddress IpPrefix::Last() const { return WithHostBits(address, length, true); }
IpAddress IpPrefix::At(uint64_t index) const { return First().Plus(index); }

bool IpPrefix::Contains(const IpAddress& other) const {
  return other.family == address.family && First() <= other && other <= Last();
}

bool IpPrefix::Overlaps(const IpPrefix& other) const {
  return Contains(other.First()) || other.Contains(First());
}

uint64_t IpPrefix::Size() const {
  const int host_bits = address.bits() - length;
  return uint64_t{1} << std::min(host_bits, 63);
}

std::string IpPrefix::ToString() const { return absl::StrCat(address.ToString(), "/", length); }

absl::StatusOr<IpAddress> ParseIpAddress(absl::string_view text) {
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof(terminated) ||
      text.find('\0') != absl::string_view::npos) {
    return Invalid("an IP address", text);
  }
  memcpy(terminated, text.data(), text.size());
  uint8_t bytes[16];
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, terminated, bytes) == 1) return IpAddress::FromBytes(family, bytes);
  }
  return Invalid("an IP address", text);
}

absl::StatusOr<IpPrefix> ParseIpPrefix(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return Invalid("an address with a prefix length", text);
  const auto address = ParseIpAddress(text.substr(0, slash));
  if (!address.ok()) return Invalid("an address with a prefix length", text);
  const absl::string_view digits = text.substr(slash + 1);
  int length = -1;
  if (digits.empty() || digits.size() > 3 ||
      !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      !absl::SimpleAtoi(digits, &length) || length > address->bits()) {
    return Invalid("an address with a prefix length", text);
  }
  return IpPrefix{*address, length};
}

absl::StatusOr<MacAddress> ParseMacAddress(absl::string_view text) {
  MacAddress mac = {};
  bool valid = text.size() == 17;
  for (size_t i = 0; valid && i < mac.size(); ++i) {
    const int high = HexDigit(text[i * 3]);
    const int low = HexDigit(text[i * 3 + 1]);
    valid = high >= 0 && low >= 0 && (i == 5 || text[i * 3 + 2] == ':');
    mac[i] = static_cast<uint8_t>(high * 16 + low);
  }
  if (!valid) return Invalid("a MAC address like 02:42:0a:0a:00:02", text);
  if ((mac[0] & 1) != 0) return Invalid("a MAC address of one interface (it is a group's)", text);
  return mac;
}

std::string FormatMacAddress(const MacAddress& mac) {
  std::string text;
  for (const uint8_t byte : mac) {
    absl::StrAppend(&text, text.empty() ? "" : ":", absl::Hex(byte, absl::kZeroPad2));
  }
  return text;
}

}  // namespace tiny::net
