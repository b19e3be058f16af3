#include "logs/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/timestamp.h"

namespace tiny::logs {
namespace {

constexpr absl::Duration kRetryInterval = absl::Milliseconds(100);
constexpr mode_t kMode = 0600;

std::string SegmentName(int64_t number) { return absl::StrCat(kLogFile, ".", number); }

// One past the highest number of a rotated segment.
int64_t NextNumber(int directory) {
  int64_t next = 1;
  const absl::StatusOr<std::vector<std::string>> names = ListDirectoryAt(directory, ".");
  if (!names.ok()) return next;
  const std::string prefix = absl::StrCat(kLogFile, ".");
  for (const std::string& name : *names) {
    int64_t number = 0;
    if (absl::StartsWith(name, prefix) &&
        absl::SimpleAtoi(absl::string_view(name).substr(prefix.size()), &number)) {
      next = std::max(next, number + 1);
    }
  }
  return next;
}

// The size of the file up to the end of its last whole line.
int64_t WholeLines(int fd, int64_t size) {
  char block[4096];
  while (size > 0) {
    const int64_t from = std::max<int64_t>(0, size - static_cast<int64_t>(sizeof(block)));
    const ssize_t count = pread(fd, block, static_cast<size_t>(size - from), from);
    if (count <= 0) return size;
    const void* newline = memrchr(block, '\n', static_cast<size_t>(count));
    if (newline != nullptr) return from + (static_cast<const char*>(newline) - block) + 1;
    size = from;
  }
  return 0;
}

}  // namespace

absl::StatusOr<LogWriter> LogWriter::Open(int directory, const LogOptions& options) {
  LogWriter writer(directory, options);
  RETURN_IF_ERROR(writer.OpenSegment());
  // Only a log that was written to before can have been rotated or cut short.
  if (writer.segment_size_ > 0) {
    writer.next_number_ = NextNumber(directory);
    const int64_t whole = WholeLines(writer.segment_.get(), writer.segment_size_);
    if (whole < writer.segment_size_ && ftruncate(writer.segment_.get(), whole) == 0) {
      writer.segment_size_ = whole;
    }
  }
  return writer;
}

absl::Status LogWriter::OpenSegment() {
  ASSIGN_OR_RETURN(segment_, OpenFileAt(directory_, kLogFile, O_RDWR | O_APPEND | O_CREAT, kMode));
  struct stat info;
  if (fstat(segment_.get(), &info) != 0) return PosixStatus(errno, "stat the log");
  segment_size_ = info.st_size;
  return absl::OkStatus();
}

void LogWriter::Append(Stream stream, absl::string_view chunk, absl::Time now) {
  time_ = now;
  timestamp_ = FormatTimestamp(now);
  std::string& held = held_[static_cast<int>(stream)];
  std::string prefix;  // of a k8s-file's record, which goes with the line as it is
  if (options_.format == logs::Format::kK8sFile) {
    AppendRecord(options_.format, {now, stream, /*ends_line=*/true, ""}, timestamp_, &prefix);
    prefix.pop_back();
  }
  while (!chunk.empty()) {
    const void* newline = memchr(chunk.data(), '\n', chunk.size());
    const size_t length =
        newline == nullptr ? chunk.size() : static_cast<const char*>(newline) - chunk.data();
    const size_t room = kMaxRecordText - held.size();
    if (length > room) {
      held.append(chunk.data(), room);
      chunk.remove_prefix(room);
      AddRecord(stream, /*ends_line=*/false, held);
      held.clear();
      continue;
    }
    const absl::string_view piece = chunk.substr(0, length);
    if (newline == nullptr) {
      held.append(piece.data(), piece.size());
      break;
    }
    if (held.empty() && !prefix.empty()) {
      batch_.append(prefix);
      batch_.append(chunk.data(), length + 1);  // with its newline
    } else if (held.empty()) {
      AddRecord(stream, /*ends_line=*/true, piece);
    } else {
      held.append(piece.data(), piece.size());
      AddRecord(stream, /*ends_line=*/true, held);
      held.clear();
    }
    chunk.remove_prefix(length + 1);
  }
  Flush(now);
}

void LogWriter::Finish(absl::Time now) {
  time_ = now;
  timestamp_ = FormatTimestamp(now);
  for (const Stream stream : {Stream::kStdout, Stream::kStderr}) {
    std::string& held = held_[static_cast<int>(stream)];
    if (held.empty()) continue;
    AddRecord(stream, /*ends_line=*/false, held);
    held.clear();
  }
  retry_at_ = absl::InfinitePast();
  Flush(now);
}

void LogWriter::AddRecord(Stream stream, bool ends_line, absl::string_view text) {
  AppendRecord(options_.format, {time_, stream, ends_line, text}, timestamp_, &batch_);
}

// Cuts the batch at the ends of segments.
void LogWriter::Flush(absl::Time now) {
  absl::string_view left = batch_;
  if (gap_lines_ > 0 && (now < retry_at_ || !MarkGap(now))) {
    Drop(left);
    left = {};
  }
  while (!left.empty()) {
    size_t fits = left.size();
    if (options_.max_size >= 0 &&
        segment_size_ + static_cast<int64_t>(left.size()) > options_.max_size) {
      const int64_t room = options_.max_size - segment_size_;
      const size_t end =
          room > 0 ? left.rfind('\n', static_cast<size_t>(room) - 1) : absl::string_view::npos;
      if (end != absl::string_view::npos) {
        fits = end + 1;
      } else if (segment_size_ > 0) {
        Rotate();
        continue;
      } else {
        fits = left.find('\n') + 1;  // a record that is larger than a segment gets one of its own
      }
    }
    if (!Write(left.substr(0, fits), now)) {
      Drop(left);
      break;
    }
    left.remove_prefix(fits);
  }
  batch_.clear();
  // A burst must not be paid for in memory for ever.
  if (batch_.capacity() > size_t{256} << 10) batch_.shrink_to_fit();
}

// All of it or, where the disk takes less, nothing.
bool LogWriter::Write(absl::string_view records, absl::Time now) {
  absl::string_view left = records;
  int error = segment_ ? 0 : EBADF;
  while (error == 0 && !left.empty()) {
    const ssize_t count = write(segment_.get(), left.data(), left.size());
    if (count >= 0) {
      left.remove_prefix(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error != 0) {
    if (left.size() < records.size() && ftruncate(segment_.get(), segment_size_) != 0) {
      segment_size_ += static_cast<int64_t>(records.size() - left.size());
    }
    gap_error_ = error;
    retry_at_ = now + kRetryInterval;
    if (!segment_) OpenSegment().IgnoreError();
    return false;
  }
  segment_size_ += static_cast<int64_t>(records.size());
  stats_.bytes += records.size();
  stats_.lines += static_cast<uint64_t>(std::count(records.begin(), records.end(), '\n'));
  return true;
}

void LogWriter::Rotate() {
  segment_.Reset();
  const std::string rotated = SegmentName(next_number_);
  if (options_.max_files == 1) {
    unlinkat(directory_, kLogFile, 0);
  } else if (renameat(directory_, kLogFile, directory_, rotated.c_str()) == 0) {
    const int64_t oldest = next_number_++ - (options_.max_files - 1);
    if (oldest > 0) unlinkat(directory_, SegmentName(oldest).c_str(), 0);
  }
  ++stats_.rotations;
  if (!OpenSegment().ok()) segment_size_ = 0;
}

void LogWriter::Drop(absl::string_view records) {
  const auto lines = static_cast<uint64_t>(std::count(records.begin(), records.end(), '\n'));
  gap_lines_ += lines;
  gap_bytes_ += records.size();
  stats_.dropped_lines += lines;
  stats_.dropped_bytes += records.size();
}

bool LogWriter::MarkGap(absl::Time now) {
  std::string mark;
  const std::string reason(PosixStatus(gap_error_, "").message());
  const std::string text =
      absl::StrCat("[tiny: ", gap_lines_, " lines (", gap_bytes_, " bytes) dropped", reason, "]");
  AppendRecord(options_.format, {now, Stream::kStderr, true, text}, FormatTimestamp(now), &mark);
  if (!Write(mark, now)) return false;
  gap_lines_ = 0;
  gap_bytes_ = 0;
  return true;
}

}  // namespace tiny::logs
