#include "logs/log_printer.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/timestamp.h"
#include "base/unique_fd.h"

namespace tiny::logs {
namespace {

constexpr size_t kBufferSize = size_t{64} << 10;
constexpr absl::Duration kLookInterval = absl::Milliseconds(100);
constexpr absl::Duration kEndedInterval = absl::Milliseconds(300);

// Bytes for two descriptors, in the order in which they were given.
class Output {
 public:
  Output(int out, int err) : fds_{out, err} {}

  absl::Status Write(Stream stream, absl::string_view bytes) {
    if (stream != stream_ || buffer_.size() + bytes.size() > kBufferSize) RETURN_IF_ERROR(Flush());
    stream_ = stream;
    buffer_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }

  absl::Status Flush() {
    absl::string_view left = buffer_;
    while (!left.empty()) {
      const ssize_t written =
          write(fds_[stream_ == Stream::kStderr ? 1 : 0], left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EPIPE) return absl::CancelledError("the reader has gone");
      if (written < 0) return PosixStatus(errno, "write the log");
      left.remove_prefix(static_cast<size_t>(written));
    }
    buffer_.clear();
    return absl::OkStatus();
  }

 private:
  int fds_[2];
  Stream stream_ = Stream::kStdout;
  std::string buffer_;
};

// One log that is being printed.
struct Follower {
  LogSource source;
  LogReader reader;
  std::optional<LogRecord> next;     // read, not printed yet
  bool in_line[2] = {false, false};  // of each stream: a piece of a line was printed
  bool ended = false;                // nothing more will be written

  bool Peek() {
    if (next.has_value()) return true;
    LogRecord record;
    if (!reader.Next(&record)) return false;
    next = record;
    return true;
  }
};

// Wakes up when a log in one of the directories may have grown.
class Watcher {
 public:
  explicit Watcher(const std::vector<Follower>& followers)
      : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    constexpr uint32_t kEvents = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF;
    for (const Follower& each : followers) {
      const char* directory = each.source.directory.c_str();
      if (fd_ && inotify_add_watch(fd_.get(), directory, kEvents) < 0) fd_.Reset();
    }
  }

  // False where nothing has happened for as long as it makes sense to wait.
  bool Wait(absl::Duration longest) {
    pollfd event = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const absl::Duration timeout = std::min(longest, fd_ ? kEndedInterval : kLookInterval);
    const int milliseconds =
        static_cast<int>(absl::ToInt64Milliseconds(std::max(timeout, absl::Milliseconds(1))));
    if (poll(&event, fd_ ? 1 : 0, milliseconds) <= 0) return false;
    alignas(inotify_event) char events[4096];
    while (read(fd_.get(), events, sizeof(events)) > 0) {
    }
    return true;
  }

 private:
  UniqueFd fd_;
};

class Printer {
 public:
  Printer(std::vector<Follower> followers, const PrintOptions& options, int out, int err)
      : followers_(std::move(followers)), options_(options), output_(out, err) {}

  absl::Status Run() {
    std::optional<Watcher> watcher;
    if (options_.follow) watcher.emplace(followers_);
    while (true) {
      RETURN_IF_ERROR(PrintAll());
      RETURN_IF_ERROR(output_.Flush());
      if (!options_.follow || IsOver()) break;
      const absl::Duration left = options_.read.until - absl::Now();
      if (!watcher->Wait(left)) LookForEnds();
    }
    for (const Follower& each : followers_) RETURN_IF_ERROR(each.reader.status());
    return absl::OkStatus();
  }

 private:
  // What is there now, oldest first.
  absl::Status PrintAll() {
    while (Follower* oldest = Oldest()) {
      RETURN_IF_ERROR(Print(*oldest, *oldest->next));
      oldest->next.reset();
    }
    return absl::OkStatus();
  }

  Follower* Oldest() {
    Follower* oldest = nullptr;
    for (Follower& each : followers_) {
      if (each.Peek() && (oldest == nullptr || each.next->time < oldest->next->time)) {
        oldest = &each;
      }
    }
    return oldest;
  }

  absl::Status Print(Follower& follower, const LogRecord& record) {
    bool& in_line = follower.in_line[record.stream == Stream::kStderr ? 1 : 0];
    if (!in_line) {
      if (!follower.source.prefix.empty()) {
        RETURN_IF_ERROR(output_.Write(record.stream, follower.source.prefix));
      }
      if (options_.timestamps) {
        stamp_.clear();
        AppendTimestamp(record.time, &stamp_);
        stamp_.push_back(' ');
        RETURN_IF_ERROR(output_.Write(record.stream, stamp_));
      }
    }
    RETURN_IF_ERROR(output_.Write(record.stream, record.text));
    in_line = !record.ends_line;
    return in_line ? absl::OkStatus() : output_.Write(record.stream, "\n");
  }

  // A log whose writer is gone is read once more, as the last lines may have come in between.
  void LookForEnds() {
    for (Follower& each : followers_) {
      if (!each.ended) each.ended = !each.source.ended || each.source.ended();
    }
  }

  bool IsOver() {
    if (absl::Now() > options_.read.until) return true;
    bool all_ended = true;
    bool all_past = true;
    for (const Follower& each : followers_) {
      all_ended = all_ended && each.ended;
      all_past = all_past && each.reader.past_until();
    }
    return all_ended || all_past;
  }

  std::vector<Follower> followers_;
  const PrintOptions& options_;
  Output output_;
  std::string stamp_;
};

}  // namespace

absl::Status PrintLogs(std::vector<LogSource> sources, const PrintOptions& options, int out,
                       int err) {
  std::vector<Follower> followers;
  for (LogSource& source : sources) {
    ASSIGN_OR_RETURN(LogReader reader,
                     LogReader::Open(source.directory, source.format, options.read));
    followers.push_back(
        {.source = std::move(source), .reader = std::move(reader), .next = std::nullopt});
  }
  return Printer(std::move(followers), options, out, err).Run();
}

}  // namespace tiny::logs
