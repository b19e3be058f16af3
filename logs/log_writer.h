// Keeps a container's output in its log: lines, their stream and time, in segments of bounded size.
//
//   ASSIGN_OR_RETURN(LogWriter writer, LogWriter::Open(container_directory, options));
//   writer.Append(Stream::kStdout, chunk, absl::Now());   // as it was read: any bytes, any cut
//   writer.Finish(absl::Now());                           // a last line without newline
//
// Each Append makes one write(2) of whole lines (two where a segment ends in it). What does not end
// a line yet is held back until its newline, 16 KiB, or Finish.
//
// A full or failing disk never blocks, never fails an Append: whole lines are dropped and counted,
// and when space returns a record of stream stderr, "[tiny: 12 lines (3456 bytes) dropped: no space
// left on device (ENOSPC)]", marks the gap. Thread-compatible; one writer per log.
#ifndef TINY_LOGS_LOG_WRITER_H_
#define TINY_LOGS_LOG_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "logs/log_format.h"
#include "logs/log_options.h"

namespace tiny::logs {

struct LogStats {
  uint64_t lines = 0;  // written, pieces of long lines counted each
  uint64_t bytes = 0;  // written to the disk
  uint64_t dropped_lines = 0;
  uint64_t dropped_bytes = 0;
  uint64_t rotations = 0;
};

class LogWriter {
 public:
  // Opens or makes the log in `directory` (borrowed until the writer is gone) and goes on after
  // what is there; an unfinished last line, left by a crash, is cut off.
  static absl::StatusOr<LogWriter> Open(int directory, const LogOptions& options);

  LogWriter(LogWriter&&) = default;
  LogWriter& operator=(LogWriter&&) = default;

  void Append(Stream stream, absl::string_view chunk, absl::Time now);
  void Finish(absl::Time now);

  const LogStats& stats() const { return stats_; }

 private:
  LogWriter(int directory, const LogOptions& options) : directory_(directory), options_(options) {}

  absl::Status OpenSegment();
  void AddRecord(Stream stream, bool ends_line, absl::string_view text);
  void Flush(absl::Time now);
  bool Write(absl::string_view records, absl::Time now);
  void Rotate();
  void Drop(absl::string_view records);
  bool MarkGap(absl::Time now);

  int directory_;
  LogOptions options_;
  UniqueFd segment_;
  int64_t segment_size_ = 0;
  int64_t next_number_ = 1;  // of the rotated segment that the current one becomes
  std::string held_[2];      // of each stream: the beginning of a line
  std::string batch_;
  absl::Time time_;        // of this chunk
  std::string timestamp_;  // the same as text
  LogStats stats_;
  uint64_t gap_lines_ = 0;  // dropped and not yet marked
  uint64_t gap_bytes_ = 0;
  int gap_error_ = 0;
  absl::Time retry_at_ = absl::InfinitePast();
};

}  // namespace tiny::logs

#endif  // TINY_LOGS_LOG_WRITER_H_
