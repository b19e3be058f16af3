// Resource limits by name. Source: getrlimit(2). Pure; thread-safe.
#ifndef TINY_SECURITY_RLIMITS_H_
#define TINY_SECURITY_RLIMITS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::security {

// The RLIMIT_ number of "RLIMIT_NOFILE", "NOFILE" or "nofile". kInvalidArgument names an unknown
// one.
absl::StatusOr<int> RlimitFromName(absl::string_view name);

// "RLIMIT_NOFILE" for RLIMIT_NOFILE; empty for an unknown number.
std::string RlimitName(int resource);

}  // namespace tiny::security

#endif  // TINY_SECURITY_RLIMITS_H_
