#include "logs/log_format.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/timestamp.h"
#include "logs/log_json.h"

namespace tiny::logs {
namespace {

constexpr absl::string_view kOut = "stdout ";
constexpr absl::string_view kErr = "stderr ";

absl::Status NoRecord() { return absl::InvalidArgumentError("no record of a log"); }

void AppendK8sRecord(const LogRecord& record, absl::string_view timestamp, std::string* out) {
  out->append(timestamp.data(), timestamp.size());
  out->append(record.stream == Stream::kStdout ? " stdout " : " stderr ", 8);
  out->append(record.ends_line ? "F " : "P ", 2);
  out->append(record.text.data(), record.text.size());
  out->push_back('\n');
}

// The infinite past for what is no time.
absl::Time TimeOf(absl::string_view text) {
  return ParseTimestamp(text).value_or(absl::InfinitePast());
}

absl::StatusOr<LogRecord> ParseK8sRecord(absl::string_view line) {
  LogRecord record;
  const size_t blank = line.find(' ');
  if (blank == absl::string_view::npos) return NoRecord();
  record.time = TimeOf(line.substr(0, blank));
  line.remove_prefix(blank + 1);
  if (absl::ConsumePrefix(&line, kErr)) {
    record.stream = Stream::kStderr;
  } else if (!absl::ConsumePrefix(&line, kOut)) {
    return NoRecord();
  }
  // The tags are separated by colons, and the first says whether the line is whole.
  if (line.empty() || (line[0] != 'F' && line[0] != 'P')) return NoRecord();
  record.ends_line = line[0] == 'F';
  const size_t end_of_tags = line.find(' ');
  const bool has_other_tags = line.size() > 1 && line[1] != ' ' && line[1] != ':';
  if (end_of_tags == absl::string_view::npos || has_other_tags ||
      record.time == absl::InfinitePast()) {
    return NoRecord();
  }
  record.text = line.substr(end_of_tags + 1);
  return record;
}

}  // namespace

absl::StatusOr<Format> ParseFormat(absl::string_view driver) {
  if (driver == "k8s-file") return Format::kK8sFile;
  if (driver == "json-file") return Format::kJsonFile;
  return absl::InvalidArgumentError(
      absl::StrCat("unknown log driver \"", driver, "\": want k8s-file, json-file or none"));
}

void AppendRecord(Format format, const LogRecord& record, absl::string_view timestamp,
                  std::string* out) {
  switch (format) {
    case Format::kK8sFile:
      AppendK8sRecord(record, timestamp, out);
      return;
    case Format::kJsonFile:
      AppendJsonRecord(record, timestamp, out);
      return;
  }
}

absl::StatusOr<LogRecord> ParseRecord(Format format, absl::string_view line, std::string* scratch) {
  if (format == Format::kK8sFile) return ParseK8sRecord(line);
  LogRecord record;
  if (!ParseJsonRecord(line, scratch, &record)) return NoRecord();
  return record;
}

absl::Time ParseRecordTime(Format format, absl::string_view line) {
  if (format == Format::kK8sFile) return TimeOf(line.substr(0, line.find(' ')));
  // The time is the last member in what tiny and Docker write.
  constexpr absl::string_view kKey = "\"time\":\"";
  const size_t key = line.rfind(kKey);
  if (key == absl::string_view::npos) return absl::InfinitePast();
  const absl::string_view time = line.substr(key + kKey.size());
  return TimeOf(time.substr(0, time.find('"')));
}

}  // namespace tiny::logs
