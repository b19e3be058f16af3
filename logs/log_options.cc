#include "logs/log_options.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/units.h"

namespace tiny::logs {
namespace {

constexpr int64_t kSmallestSegment = 1024;
constexpr int kMostSegments = 1000;

absl::Status SetMaxSize(const std::string& value, LogOptions* options) {
  if (value == "-1") {
    options->max_size = -1;
    return absl::OkStatus();
  }
  const absl::StatusOr<int64_t> bytes = ParseBytes(value);
  if (!bytes.ok() || *bytes < kSmallestSegment) {
    return absl::InvalidArgumentError(absl::StrCat(
        "log option max-size: \"", value, "\" is no size of at least 1k, such as 10m, nor -1"));
  }
  options->max_size = *bytes;
  return absl::OkStatus();
}

absl::Status SetMaxFiles(const std::string& value, LogOptions* options) {
  int files = 0;
  if (!absl::SimpleAtoi(value, &files) || files < 1 || files > kMostSegments) {
    return absl::InvalidArgumentError(
        absl::StrCat("log option max-file: \"", value, "\" is no number from 1 to 1000"));
  }
  options->max_files = files;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LogOptions> ParseLogOptions(absl::string_view driver,
                                           const std::map<std::string, std::string>& options) {
  LogOptions result;
  result.enabled = driver != "none";
  if (result.enabled) {
    ASSIGN_OR_RETURN(result.format, ParseFormat(driver));
  }
  for (const auto& [key, value] : options) {
    if (key == "max-size") {
      RETURN_IF_ERROR(SetMaxSize(value, &result));
    } else if (key == "max-file") {
      RETURN_IF_ERROR(SetMaxFiles(value, &result));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("log option ", key, ": there is only max-size and max-file"));
    }
  }
  return result;
}

}  // namespace tiny::logs
