// The limits: --cpus, --memory-swap, --ulimit, --device-read-bps, ... Pure functions, thread-safe;
// errors are kInvalidArgument.
#ifndef TINY_CLI_FLAG_PARSERS_RESOURCES_H_
#define TINY_CLI_FLAG_PARSERS_RESOURCES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "state/container_config.h"

namespace tiny::cli {

// "0.5", "2" as 1e-9 of a cpu: more than 0, at most 1,000,000 cpus.
absl::StatusOr<int64_t> ParseCpus(absl::string_view text);

// A size, or -1 for no limit (--memory-swap).
absl::StatusOr<int64_t> ParseBytesOrUnlimited(absl::string_view text);

// "0-3,7" as cpuset(7) has it, of numbers that are in the list `available`.
absl::StatusOr<std::string> ParseCpuList(absl::string_view text, absl::string_view available);

// A whole number in [low, high].
absl::StatusOr<int64_t> ParseNumber(absl::string_view text, int64_t low, int64_t high);

// "nofile=1024:2048" or "nofile=1024"; -1 and "unlimited" are no limit.
absl::StatusOr<state::UlimitConfig> ParseUlimit(absl::string_view text);

// "/dev/sda", "/dev/sda:/dev/xvda" or "/dev/sda:/dev/xvda:r".
absl::StatusOr<state::DeviceConfig> ParseDevice(absl::string_view text);

// "/dev/sda:1mb" and "/dev/sda:1000".
absl::StatusOr<state::DeviceRate> ParseDeviceBytes(absl::string_view text);
absl::StatusOr<state::DeviceRate> ParseDeviceOperations(absl::string_view text);

// "c 42:* rmw".
absl::StatusOr<std::string> ParseDeviceCgroupRule(absl::string_view text);

// "net.core.somaxconn=1024".
absl::Status CheckSysctlName(absl::string_view name);

}  // namespace tiny::cli

#endif  // TINY_CLI_FLAG_PARSERS_RESOURCES_H_
