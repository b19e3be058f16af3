// Linux capabilities: names, sets, and the rules by which --cap-add and --cap-drop make one.
//
//   CapabilityRequest request = {.add = {"NET_ADMIN"}, .available = AvailableCapabilities()};
//   ASSIGN_OR_RETURN(const CapabilitySet capabilities, ResolveCapabilities(request));
//
// Source: capabilities(7). Pure functions but for the two that ask the kernel; thread-safe.
#ifndef TINY_SECURITY_CAPABILITIES_H_
#define TINY_SECURITY_CAPABILITIES_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tiny::security {

// CAP_CHECKPOINT_RESTORE, the last one whose name is known here.
inline constexpr int kLastKnownCapability = 40;

// A set of capabilities; bit n is capability number n, as in /proc/PID/status.
struct CapabilitySet {
  uint64_t bits = 0;

  constexpr CapabilitySet() = default;
  constexpr explicit CapabilitySet(uint64_t mask) : bits(mask) {}
  constexpr CapabilitySet(std::initializer_list<int> capabilities) {
    for (int capability : capabilities) bits |= uint64_t{1} << capability;
  }

  constexpr bool Has(int capability) const { return (bits >> capability & 1) != 0; }
  constexpr bool empty() const { return bits == 0; }
  constexpr CapabilitySet operator&(CapabilitySet other) const {
    return CapabilitySet(bits & other.bits);
  }
  constexpr CapabilitySet operator|(CapabilitySet other) const {
    return CapabilitySet(bits | other.bits);
  }
  constexpr CapabilitySet operator-(CapabilitySet other) const {
    return CapabilitySet(bits & ~other.bits);
  }
  constexpr bool operator==(const CapabilitySet&) const = default;
};

// All that have a name here.
inline constexpr CapabilitySet kAllCapabilities((uint64_t{1} << (kLastKnownCapability + 1)) - 1);

// Docker's default fourteen: AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD,
// NET_BIND_SERVICE, NET_RAW, SETFCAP, SETGID, SETPCAP, SETUID, SYS_CHROOT.
inline constexpr CapabilitySet kDefaultCapabilities{29, 0, 1, 3, 4, 5, 27, 10, 13, 31, 6, 8, 7, 18};

// The number of "CAP_NET_RAW", "NET_RAW" or "net_raw". kInvalidArgument names an unknown one.
absl::StatusOr<int> CapabilityFromName(absl::string_view name);

// "CAP_NET_RAW"; "CAP_<number>" past the last known one.
std::string CapabilityName(int capability);

// The set of these names; kInvalidArgument names the first unknown one.
absl::StatusOr<CapabilitySet> ParseCapabilities(absl::Span<const std::string> names);

// The names of the set, in the order of their numbers.
std::vector<std::string> CapabilityNames(CapabilitySet set);

struct CapabilityRequest {
  std::vector<std::string> add;   // names, or "ALL"
  std::vector<std::string> drop;  // names, or "ALL"
  bool privileged = false;
  CapabilitySet available = kAllCapabilities;  // what this process can give away
  CapabilitySet defaults = kDefaultCapabilities;
};

// What a container gets, as Docker decides it:
//   privileged       everything available; add and drop are not looked at
//   add ALL          everything available, less what is dropped by name
//   drop ALL         what is added by name, and nothing else
//   else             the defaults, less what is dropped, plus what is added (add wins over drop)
// Defaults that are not available are left out. kInvalidArgument for an unknown name,
// kFailedPrecondition for an added one that is not available.
absl::StatusOr<CapabilitySet> ResolveCapabilities(const CapabilityRequest& request);

// The permitted set of the calling thread (capget(2)).
CapabilitySet AvailableCapabilities();

// The number of the last capability that the running kernel knows (PR_CAPBSET_READ).
int LastCapability();

}  // namespace tiny::security

#endif  // TINY_SECURITY_CAPABILITIES_H_
