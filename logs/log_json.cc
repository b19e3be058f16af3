#include "logs/log_json.h"

#include "absl/strings/escaping.h"
#include "absl/strings/strip.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/timestamp.h"
#include "base/utf8.h"

namespace tiny::logs {

void AppendJsonRecord(const LogRecord& record, absl::string_view timestamp, std::string* out) {
  const bool exact = IsUtf8(record.text);
  std::string log = exact ? std::string(record.text) : ReplaceInvalidUtf8(record.text);
  if (record.ends_line) log.push_back('\n');
  JsonWriter json(out);
  json.BeginObject();
  json.Key("log");
  json.String(log);
  json.Key("stream");
  json.String(record.stream == Stream::kStdout ? "stdout" : "stderr");
  if (!exact) {
    json.Key("log_base64");
    json.String(absl::Base64Escape(record.text));
  }
  json.Key("time");
  json.String(timestamp);
  json.EndObject();
  out->push_back('\n');
}

bool ParseJsonRecord(absl::string_view line, std::string* scratch, LogRecord* record) {
  JsonReader json(line);
  std::string key;
  std::string stream;
  std::string time;
  std::string base64;
  scratch->clear();
  bool has_log = false;
  if (json.BeginObject()) {
    while (json.NextKey(&key)) {
      if (key == "log") {
        has_log = json.ReadString(scratch);
      } else if (key == "stream") {
        json.ReadString(&stream);
      } else if (key == "time") {
        json.ReadString(&time);
      } else if (key == "log_base64") {
        json.ReadString(&base64);
      } else {
        json.Skip();
      }
    }
  }
  if (!has_log || !json.Finish().ok() || (stream != "stdout" && stream != "stderr")) return false;
  record->stream = stream == "stdout" ? Stream::kStdout : Stream::kStderr;
  record->time = ParseTimestamp(time).value_or(absl::InfinitePast());
  if (record->time == absl::InfinitePast()) return false;
  record->text = *scratch;
  record->ends_line = absl::ConsumeSuffix(&record->text, "\n");
  if (!base64.empty()) {
    if (!absl::Base64Unescape(base64, scratch)) return false;
    record->text = *scratch;
  }
  return true;
}

}  // namespace tiny::logs
