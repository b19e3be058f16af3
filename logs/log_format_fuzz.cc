// What is read as a record is written as one that reads the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/timestamp.h"
#include "logs/log_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiny::logs;  // NOLINT
  const absl::string_view line(reinterpret_cast<const char*>(data), size);
  for (const Format format : {Format::kK8sFile, Format::kJsonFile}) {
    std::string scratch;
    (void)ParseRecordTime(format, line);
    const auto record = ParseRecord(format, line, &scratch);
    if (!record.ok() || record->text.find('\n') != absl::string_view::npos) continue;
    std::string written;
    AppendRecord(format, *record, tiny::FormatTimestamp(record->time), &written);
    if (written.empty() || written.back() != '\n') abort();
    // One record is one line.
    if (written.find('\n') != written.size() - 1) abort();
    written.pop_back();
    std::string again_scratch;
    const auto again = ParseRecord(format, written, &again_scratch);
    if (!again.ok() || again->text != record->text || again->stream != record->stream ||
        again->ends_line != record->ends_line) {
      abort();
    }
  }
  return 0;
}
