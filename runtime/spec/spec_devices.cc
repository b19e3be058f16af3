#include "runtime/spec/spec_devices.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

oci::DeviceRule Allow(const char* type, int64_t major, std::optional<int64_t> minor) {
  return {.allow = true, .type = type, .major = major, .minor = minor, .access = "rwm"};
}

// null, zero, full, random, urandom, tty, console, ptmx and the pseudo terminals.
std::vector<oci::DeviceRule> DefaultRules() {
  return {
      {.allow = false, .type = "a", .major = {}, .minor = {}, .access = "rwm"},
      Allow("c", 1, 3),
      Allow("c", 1, 5),
      Allow("c", 1, 7),
      Allow("c", 1, 8),
      Allow("c", 1, 9),
      Allow("c", 5, 0),
      Allow("c", 5, 1),
      Allow("c", 5, 2),
      Allow("c", 136, std::nullopt),
  };
}

bool IsAccess(absl::string_view text) {
  return !text.empty() && text.size() <= 3 &&
         text.find_first_not_of("rwm") == absl::string_view::npos;
}

absl::StatusOr<std::optional<int64_t>> ParseNumber(absl::string_view text) {
  if (text == "*") return std::nullopt;
  uint32_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return absl::InvalidArgumentError("not a number");
  return int64_t{number};
}

}  // namespace

absl::StatusOr<oci::DeviceRule> ParseDeviceRule(absl::string_view text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  const absl::Status malformed = absl::InvalidArgumentError(
      absl::StrCat("--device-cgroup-rule \"", text, "\": expected like \"c 42:* rwm\""));
  if (words.size() != 3 || (words[0] != "a" && words[0] != "b" && words[0] != "c")) {
    return malformed;
  }
  const std::pair<absl::string_view, absl::string_view> numbers =
      absl::StrSplit(words[1], absl::MaxSplits(':', 1));
  const auto major = ParseNumber(numbers.first);
  const auto minor = ParseNumber(numbers.second);
  if (!major.ok() || !minor.ok() || !IsAccess(words[2])) return malformed;
  return oci::DeviceRule{.allow = true,
                         .type = std::string(words[0]),
                         .major = *major,
                         .minor = *minor,
                         .access = std::string(words[2])};
}

absl::StatusOr<SpecDevices> BuildDevices(const state::ContainerConfig& config,
                                         const SpecInputs& inputs) {
  SpecDevices devices;
  if (config.security.privileged) {
    devices.nodes = inputs.all_host_devices;
    devices.rules.push_back(
        {.allow = true, .type = "a", .major = {}, .minor = {}, .access = "rwm"});
  } else {
    devices.rules = DefaultRules();
  }
  for (const state::DeviceConfig& wanted : config.devices) {
    const auto found = inputs.host_devices.find(wanted.path_on_host);
    if (found == inputs.host_devices.end()) {
      return absl::NotFoundError(
          absl::StrCat("--device ", wanted.path_on_host, ": no such device on this host"));
    }
    const std::string permissions = wanted.permissions.empty() ? "rwm" : wanted.permissions;
    if (!IsAccess(permissions)) {
      return absl::InvalidArgumentError(absl::StrCat("--device ", wanted.path_on_host,
                                                     ": permissions \"", permissions,
                                                     "\" are not of r, w and m"));
    }
    oci::Device node = found->second;
    node.path = wanted.path_in_container.empty() ? wanted.path_on_host : wanted.path_in_container;
    devices.rules.push_back({.allow = true,
                             .type = node.type,
                             .major = node.major,
                             .minor = node.minor,
                             .access = permissions});
    devices.nodes.push_back(std::move(node));
  }
  for (const std::string& text : config.resources.device_cgroup_rules) {
    ASSIGN_OR_RETURN(oci::DeviceRule rule, ParseDeviceRule(text));
    devices.rules.push_back(std::move(rule));
  }
  return devices;
}

}  // namespace tiny::runtime
