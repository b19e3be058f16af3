#include "logs/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "logs/log_options.h"

namespace tiny::logs {
namespace {

constexpr size_t kBlock = size_t{256} << 10;
constexpr int64_t kCurrent = std::numeric_limits<int64_t>::max();

struct Segment {
  int64_t number = kCurrent;
  UniqueFd fd;
  ino_t inode = 0;
  int64_t size = 0;
};

absl::StatusOr<std::string> ReadAt(int fd, int64_t offset, size_t size) {
  std::string block(size, '\0');
  const ssize_t count = pread(fd, block.data(), size, offset);
  if (count < 0) return PosixStatus(errno, "read the log");
  block.resize(static_cast<size_t>(count));
  return block;
}

}  // namespace

struct LogReader::Impl {
  absl::StatusOr<std::vector<Segment>> OpenSegments();
  absl::Status OpenSegment(const std::string& name, int64_t number, std::vector<Segment>* segments);
  void Enter(Segment segment, int64_t offset);
  absl::StatusOr<int64_t> FindSince(const Segment& segment);
  absl::StatusOr<absl::Time> FirstTime(const Segment& segment);
  absl::Status Start();
  absl::Status StartAtTail(std::vector<Segment> segments);
  bool Fill();
  bool GoOn();
  bool Selects(const LogRecord& record) const {
    return record.time >= options.since && record.time <= options.until &&
           (record.stream == Stream::kStdout ? options.out : options.err);
  }

  UniqueFd directory;
  Format format = Format::kK8sFile;
  ReadOptions options;

  std::vector<Segment> later;  // opened at the start, oldest last
  Segment segment;
  int64_t offset = 0;  // of the file, behind the buffer
  std::string buffer;
  size_t begin = 0;
  size_t end = 0;
  std::string scratch;
  bool past_until = false;
  absl::Status status;
};

// Oldest first, without a gap up to the last. The writer may rotate meanwhile: the current segment
// is opened before the names are listed, so that it is among the last of them; what comes after the
// list is found by GoOn(). A segment that is deleted meanwhile is left out.
absl::StatusOr<std::vector<Segment>> LogReader::Impl::OpenSegments() {
  std::vector<Segment> segments;
  RETURN_IF_ERROR(OpenSegment(std::string(kLogFile), kCurrent, &segments));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectoryAt(directory.get(), "."));
  const std::string prefix = absl::StrCat(kLogFile, ".");
  for (const std::string& name : names) {
    int64_t number = 0;
    if (absl::StartsWith(name, prefix) &&
        absl::SimpleAtoi(absl::string_view(name).substr(prefix.size()), &number)) {
      RETURN_IF_ERROR(OpenSegment(name, number, &segments));
    }
  }
  std::sort(segments.begin(), segments.end(),
            [](const Segment& a, const Segment& b) { return a.number < b.number; });
  return segments;
}

absl::Status LogReader::Impl::OpenSegment(const std::string& name, int64_t number,
                                          std::vector<Segment>* segments) {
  absl::StatusOr<UniqueFd> fd = OpenFileAt(directory.get(), name, O_RDONLY | O_NOFOLLOW);
  if (absl::IsNotFound(fd.status())) return absl::OkStatus();
  RETURN_IF_ERROR(fd.status());
  struct stat info;
  if (fstat(fd->get(), &info) != 0) return PosixStatus(errno, absl::StrCat("stat ", name));
  const auto known = std::find_if(segments->begin(), segments->end(),
                                  [&](const Segment& other) { return other.inode == info.st_ino; });
  if (known != segments->end()) {
    known->number = number;  // it was the current one when it was opened
  } else {
    segments->push_back({number, *std::move(fd), info.st_ino, info.st_size});
  }
  return absl::OkStatus();
}

void LogReader::Impl::Enter(Segment next, int64_t at) {
  segment = std::move(next);
  offset = at;
  begin = end = 0;
}

absl::StatusOr<absl::Time> LogReader::Impl::FirstTime(const Segment& of) {
  ASSIGN_OR_RETURN(const std::string block, ReadAt(of.fd.get(), 0, 2 * kMaxRecordText));
  return ParseRecordTime(format, absl::string_view(block).substr(0, block.find('\n')));
}

// Where to begin so that nothing of `since` or later is missed.
absl::StatusOr<int64_t> LogReader::Impl::FindSince(const Segment& in) {
  int64_t low = 0;
  int64_t high = in.size;
  while (high - low > static_cast<int64_t>(kBlock)) {
    const int64_t middle = low + (high - low) / 2;
    ASSIGN_OR_RETURN(const std::string block, ReadAt(in.fd.get(), middle, kBlock));
    const size_t newline = block.find('\n');
    if (newline == std::string::npos) break;
    const absl::string_view rest = absl::string_view(block).substr(newline + 1);
    if (ParseRecordTime(format, rest.substr(0, rest.find('\n'))) < options.since) {
      low = middle + static_cast<int64_t>(newline) + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

absl::Status LogReader::Impl::Start() {
  ASSIGN_OR_RETURN(std::vector<Segment> segments, OpenSegments());
  if (segments.empty()) return absl::OkStatus();
  if (options.tail >= 0) return StartAtTail(std::move(segments));
  size_t first = 0;
  int64_t at = 0;
  if (options.since != absl::InfinitePast()) {
    for (size_t i = segments.size(); i-- > 0;) {
      ASSIGN_OR_RETURN(const absl::Time time, FirstTime(segments[i]));
      first = i;
      if (time < options.since) break;
    }
    ASSIGN_OR_RETURN(at, FindSince(segments[first]));
  }
  Enter(std::move(segments[first]), at);
  for (size_t i = segments.size(); i-- > first + 1;) later.push_back(std::move(segments[i]));
  return absl::OkStatus();
}

// Backwards, block by block, until one more line than wanted has ended.
absl::Status LogReader::Impl::StartAtTail(std::vector<Segment> segments) {
  int64_t wanted = options.tail;
  bool last_seen = false;
  for (size_t i = segments.size(); i-- > 0;) {
    int64_t block_end = segments[i].size;
    std::string carried;  // the beginning of a line that ends in a later block
    while (block_end > 0) {
      const int64_t from = std::max<int64_t>(0, block_end - static_cast<int64_t>(kBlock));
      ASSIGN_OR_RETURN(std::string block,
                       ReadAt(segments[i].fd.get(), from, static_cast<size_t>(block_end - from)));
      block += carried;
      size_t line_end = block.size();
      while (line_end > 0) {
        const size_t newline = line_end < 2 ? std::string::npos : block.rfind('\n', line_end - 2);
        if (newline == std::string::npos && from > 0) break;
        const size_t line_begin = newline == std::string::npos ? 0 : newline + 1;
        absl::string_view line(block.data() + line_begin, line_end - line_begin);
        if (absl::EndsWith(line, "\n")) line.remove_suffix(1);
        const absl::StatusOr<LogRecord> record = ParseRecord(format, line, &scratch);
        if (record.ok() && Selects(*record)) {
          // A piece is the end of a line only where nothing comes after it.
          if (record->ends_line || !last_seen) --wanted;
          last_seen = true;
          if (wanted < 0) {
            Enter(std::move(segments[i]), from + static_cast<int64_t>(line_end));
            for (size_t j = segments.size(); j-- > i + 1;) later.push_back(std::move(segments[j]));
            return absl::OkStatus();
          }
        }
        line_end = line_begin;
      }
      carried.assign(block, 0, line_end);
      block_end = from;
    }
  }
  Enter(std::move(segments[0]), 0);
  for (size_t j = segments.size(); j-- > 1;) later.push_back(std::move(segments[j]));
  return absl::OkStatus();
}

// Reads more behind what is in the buffer; false at the end of the segment.
bool LogReader::Impl::Fill() {
  if (!segment.fd) return false;
  if (begin > 0) {
    memmove(buffer.data(), buffer.data() + begin, end - begin);
    end -= begin;
    begin = 0;
  }
  if (buffer.size() - end < kBlock / 2) buffer.resize(end + kBlock);
  const ssize_t count = pread(segment.fd.get(), buffer.data() + end, buffer.size() - end, offset);
  if (count < 0) status = PosixStatus(errno, "read the log");
  if (count <= 0) return false;
  offset += count;
  end += static_cast<size_t>(count);
  return true;
}

// At the end of a segment: to the next one, if there is one.
bool LogReader::Impl::GoOn() {
  if (!later.empty()) {
    if (Fill()) return true;
    Segment next = std::move(later.back());
    later.pop_back();
    Enter(std::move(next), 0);
    return true;
  }
  struct stat current;
  if (fstatat(directory.get(), kLogFile, &current, AT_SYMLINK_NOFOLLOW) != 0 ||
      (segment.fd && current.st_ino == segment.inode)) {
    return false;
  }
  // It was rotated; what was written to it before has to be read first.
  if (Fill()) return true;
  absl::StatusOr<std::vector<Segment>> segments = OpenSegments();
  if (!segments.ok()) {
    status = segments.status();
    return false;
  }
  // Behind ours; where ours is gone, all there are.
  auto next = std::find_if(segments->begin(), segments->end(), [this](const Segment& other) {
    return segment.fd && other.inode == segment.inode;
  });
  next = next == segments->end() ? segments->begin() : next + 1;
  if (next == segments->end()) return false;
  Segment found = std::move(*next);
  for (auto it = segments->end(); it-- != next + 1;) later.push_back(std::move(*it));
  Enter(std::move(found), 0);
  return true;
}

absl::StatusOr<LogReader> LogReader::Open(absl::string_view directory, logs::Format format,
                                          const ReadOptions& options) {
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->directory, OpenFile(directory, O_RDONLY | O_DIRECTORY));
  impl->format = format;
  impl->options = options;
  RETURN_IF_ERROR(impl->Start());
  return LogReader(std::move(impl));
}

bool LogReader::Next(LogRecord* record) {
  Impl& impl = *impl_;
  size_t searched = impl.begin;
  while (!impl.past_until && impl.status.ok()) {
    const char* data = impl.buffer.data();
    const void* newline = memchr(data + searched, '\n', impl.end - searched);
    if (newline == nullptr) {
      const size_t unfinished = impl.end - impl.begin;
      if (!impl.Fill() && !impl.GoOn()) return false;
      searched = impl.begin + (impl.begin == 0 && impl.end >= unfinished ? unfinished : 0);
      if (impl.end == 0) searched = 0;
      continue;
    }
    const size_t line_end = static_cast<size_t>(static_cast<const char*>(newline) - data);
    const absl::string_view line(data + impl.begin, line_end - impl.begin);
    impl.begin = searched = line_end + 1;
    absl::StatusOr<LogRecord> parsed = ParseRecord(impl.format, line, &impl.scratch);
    if (!parsed.ok()) continue;
    if (parsed->time > impl.options.until) {
      impl.past_until = true;
      return false;
    }
    if (!impl.Selects(*parsed)) continue;
    *record = *parsed;
    return true;
  }
  return false;
}

bool LogReader::past_until() const { return impl_->past_until; }
const absl::Status& LogReader::status() const { return impl_->status; }

LogReader::LogReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

}  // namespace tiny::logs
