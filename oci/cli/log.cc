#include "oci/cli/log.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/timestamp.h"
#include "nlohmann/json.hpp"

namespace tiny::oci {

std::string FormatLogLine(absl::string_view format, absl::string_view level,
                          absl::string_view message, absl::Time time) {
  const std::string stamp = FormatTimestamp(time);
  if (format == "json") {
    const nlohmann::ordered_json json = {
        {"level", std::string(level)}, {"msg", std::string(message)}, {"time", stamp}};
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  return absl::StrCat("time=\"", stamp, "\" level=", level, " msg=\"",
                      absl::Utf8SafeCEscape(message), "\"\n");
}

void Log(const Globals& globals, absl::string_view level, absl::string_view message) {
  const std::string line = FormatLogLine(globals.log_format, level, message, absl::Now());
  if (globals.log.empty() || globals.log == "/dev/stderr") {
    WriteAll(STDERR_FILENO, line, "standard error").IgnoreError();
    return;
  }
  const auto file = OpenFile(globals.log, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, 0644);
  if (file.ok()) WriteAll(file->get(), line, globals.log).IgnoreError();
}

void LogError(const Globals& globals, const absl::Status& status) {
  const absl::string_view message = status.message();
  if (!globals.log.empty() && globals.log != "/dev/stderr") Log(globals, "error", message);
  std::string text = absl::StrCat("tiny-oci: ", message, "\n");
  if (const std::string hint = GetHint(status); !hint.empty()) {
    absl::StrAppend(&text, "hint: ", hint, "\n");
  }
  WriteAll(STDERR_FILENO, text, "standard error").IgnoreError();
}

}  // namespace tiny::oci
