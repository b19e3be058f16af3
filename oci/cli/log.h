// What tiny-oci says about itself: on standard error for people, and in the file of --log for the
// engine that reads why a container could not be made.
#ifndef TINY_OCI_CLI_LOG_H_
#define TINY_OCI_CLI_LOG_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "oci/cli/command.h"

namespace tiny::oci {

// One line of the log: {"level":"error","msg":"...","time":"..."} with --log-format json, else
// time="..." level=error msg="...". Without --log it goes to standard error.
void Log(const Globals& globals, absl::string_view level, absl::string_view message);

// `status` to the log as an error, and as "tiny-oci: ..." with its hint to standard error.
void LogError(const Globals& globals, const absl::Status& status);

// The line as it is written, for `time`.
std::string FormatLogLine(absl::string_view format, absl::string_view level,
                          absl::string_view message, absl::Time time);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_LOG_H_
