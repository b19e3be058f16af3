// Properties of a unit: those that a container's limits come to, and those of annotations.
//
// Pure. Sources: systemd.resource-control(5), org.freedesktop.systemd1(5), and for annotations the
// text form of GVariant.
#ifndef TINY_CGROUP_SYSTEMD_PROPERTIES_H_
#define TINY_CGROUP_SYSTEMD_PROPERTIES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cgroup/dbus/message.h"
#include "cgroup/resources.h"

namespace tiny::systemd {

struct CpuMask {
  std::string bytes;  // bit n % 8 of byte n / 8 is cpu n
  bool operator==(const CpuMask&) const = default;
};

using Value = std::variant<bool, int32_t, uint32_t, int64_t, uint64_t, std::string, CpuMask,
                           std::vector<uint32_t>, std::vector<std::string>>;

struct Property {
  std::string name;
  Value value;
  bool operator==(const Property&) const = default;
};

// An array of properties, "a(sv)".
void PutProperties(const std::vector<Property>& properties, dbus::Body& body);

// The limits that systemd has properties for, so that it does not undo them when it is reloaded;
// all others are only in the cgroup's files. kInvalidArgument for a list of cpus that is none.
absl::StatusOr<std::vector<Property>> PropertiesOfLimits(const cgroup::Resources& resources,
                                                         cgroup::Version version);

// "TimeoutStopUSec", "uint64 5000000": true, 'text', ['a', 'b'], and numbers, which may have their
// type (byte, int32, uint32, int64, uint64) before them. A name in ...Sec means seconds and becomes
// the ...USec that systemd knows.
absl::StatusOr<Property> ParseProperty(absl::string_view name, absl::string_view text);

}  // namespace tiny::systemd

#endif  // TINY_CGROUP_SYSTEMD_PROPERTIES_H_
