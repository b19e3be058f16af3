// Records in the shape of Docker's json-file driver. Internal to logs/.
#ifndef TINY_LOGS_LOG_JSON_H_
#define TINY_LOGS_LOG_JSON_H_

#include <string>

#include "absl/strings/string_view.h"
#include "logs/log_format.h"

namespace tiny::logs {

// `timestamp` is record.time as text.
void AppendJsonRecord(const LogRecord& record, absl::string_view timestamp, std::string* out);

// False for what is no record. Members may come in any order; others are skipped. The text points
// into `scratch`.
bool ParseJsonRecord(absl::string_view line, std::string* scratch, LogRecord* record);

}  // namespace tiny::logs

#endif  // TINY_LOGS_LOG_JSON_H_
