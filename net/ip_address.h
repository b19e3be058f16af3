// IPv4 and IPv6 addresses, prefixes and MAC addresses as values. Pure functions, thread-safe.
//
//   ASSIGN_OR_RETURN(const IpPrefix subnet, ParseIpPrefix("10.10.0.0/24"));
//   IpAddress gateway = subnet.At(1);  // 10.10.0.1
#ifndef TINY_NET_IP_ADDRESS_H_
#define TINY_NET_IP_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::net {

// An address in network byte order; the bytes after the family's size are zero.
struct IpAddress {
  uint8_t family = 0;  // AF_INET, AF_INET6; 0: none
  std::array<uint8_t, 16> bytes = {};

  static IpAddress V4(uint32_t host_order);
  static IpAddress FromBytes(int family, const void* data);  // 4 or 16 bytes

  bool is_v4() const;
  bool is_v6() const;
  explicit operator bool() const { return family != 0; }
  int size() const { return is_v4() ? 4 : is_v6() ? 16 : 0; }  // bytes
  int bits() const { return size() * 8; }
  uint32_t v4() const;  // host order
  bool IsLoopback() const;
  bool IsUnspecified() const;
  bool IsLinkLocal() const;
  absl::string_view View() const {
    return absl::string_view(reinterpret_cast<const char*>(bytes.data()), size());
  }
  std::string ToString() const;

  // The address `count` after this one; wraps around at the end of its family.
  IpAddress Plus(uint64_t count) const;

  auto operator<=>(const IpAddress&) const = default;
};

struct IpPrefix {
  IpAddress address;  // may have host bits: that of an interface is "10.10.0.1/24"
  int length = 0;     // bits

  IpAddress First() const;             // host bits zero
  IpAddress Last() const;              // host bits one
  IpAddress At(uint64_t index) const;  // First() + index
  bool Contains(const IpAddress& other) const;
  bool Overlaps(const IpPrefix& other) const;
  // How many addresses there are, at most 2^63.
  uint64_t Size() const;
  std::string ToString() const;

  auto operator<=>(const IpPrefix&) const = default;
};

// kInvalidArgument with the text for anything but one whole address or prefix.
absl::StatusOr<IpAddress> ParseIpAddress(absl::string_view text);
absl::StatusOr<IpPrefix> ParseIpPrefix(absl::string_view text);

using MacAddress = std::array<uint8_t, 6>;
// "02:42:0a:0a:00:02"; kInvalidArgument for others and for group addresses.
absl::StatusOr<MacAddress> ParseMacAddress(absl::string_view text);
std::string FormatMacAddress(const MacAddress& mac);

}  // namespace tiny::net

#endif  // TINY_NET_IP_ADDRESS_H_
