// Any text as the value of any flag: the first byte chooses the parser.
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/flag_parsers/addresses.h"
#include "cli/flag_parsers/environment.h"
#include "cli/flag_parsers/mounts.h"
#include "cli/flag_parsers/policies.h"
#include "cli/flag_parsers/ports.h"
#include "cli/flag_parsers/resources.h"
#include "cli/flag_parsers/times.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiny::cli;  // NOLINT
  if (size == 0) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto no_env = [](absl::string_view) -> std::optional<std::string> { return std::nullopt; };
  std::vector<std::string> env;
  std::map<std::string, std::string> labels;
  tiny::state::SecurityConfig security;
  tiny::state::LogConfig log;
  switch (data[0] % 16) {
    case 0:
      ParsePublish(text).status().IgnoreError();
      break;
    case 1:
      ParseExpose(text).status().IgnoreError();
      break;
    case 2:
      ParseVolume(text, "/w", "/h").status().IgnoreError();
      break;
    case 3:
      ParseMount(text, "/w").status().IgnoreError();
      break;
    case 4:
      AddEnvFile(text, no_env, &env).IgnoreError();
      break;
    case 5:
      AddLabelFile(text, &labels).IgnoreError();
      break;
    case 6:
      ParseNetwork(text).status().IgnoreError();
      break;
    case 7:
      ParseAddHost(text).status().IgnoreError();
      break;
    case 8:
      ParseUlimit(text).status().IgnoreError();
      break;
    case 9:
      ParseDevice(text).status().IgnoreError();
      break;
    case 10:
      ParseDeviceBytes(text).status().IgnoreError();
      break;
    case 11:
      ParseCpus(text).status().IgnoreError();
      break;
    case 12:
      ParseMoment(text, absl::UnixEpoch()).status().IgnoreError();
      break;
    case 13:
      ApplySecurityOption(
          text, [](absl::string_view) -> absl::StatusOr<std::string> { return "{}"; }, &security)
          .IgnoreError();
      break;
    case 14:
      AddLogOption(text, &log).IgnoreError();
      break;
    default:
      ParseDeviceCgroupRule(text).status().IgnoreError();
      break;
  }
  return 0;
}
