#include "security/rlimits.h"

#include <sys/resource.h>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tiny::security {
namespace {

constexpr struct {
  const char* name;
  int resource;
} kLimits[] = {
    {"AS", RLIMIT_AS},           {"CORE", RLIMIT_CORE},         {"CPU", RLIMIT_CPU},
    {"DATA", RLIMIT_DATA},       {"FSIZE", RLIMIT_FSIZE},       {"LOCKS", RLIMIT_LOCKS},
    {"MEMLOCK", RLIMIT_MEMLOCK}, {"MSGQUEUE", RLIMIT_MSGQUEUE}, {"NICE", RLIMIT_NICE},
    {"NOFILE", RLIMIT_NOFILE},   {"NPROC", RLIMIT_NPROC},       {"RSS", RLIMIT_RSS},
    {"RTPRIO", RLIMIT_RTPRIO},   {"RTTIME", RLIMIT_RTTIME},     {"SIGPENDING", RLIMIT_SIGPENDING},
    {"STACK", RLIMIT_STACK},
};

}  // namespace

absl::StatusOr<int> RlimitFromName(absl::string_view name) {
  const std::string upper = absl::AsciiStrToUpper(name);
  const absl::string_view wanted = absl::StripPrefix(upper, "RLIMIT_");
  for (const auto& limit : kLimits) {
    if (wanted == limit.name) return limit.resource;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown resource limit ", name));
}

std::string RlimitName(int resource) {
  for (const auto& limit : kLimits) {
    if (resource == limit.resource) return absl::StrCat("RLIMIT_", limit.name);
  }
  return "";
}

}  // namespace tiny::security
