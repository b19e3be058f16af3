// Reads events.log, the part that was moved aside first, and waits for more.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "state/events.h"

namespace tiny::state {
namespace {

constexpr absl::Duration kLookInterval = absl::Milliseconds(100);

class EventReader {
 public:
  EventReader(absl::string_view root, const EventQuery& query,
              absl::FunctionRef<bool(const Event&)> visit)
      : path_(absl::StrCat(root, "/", kEventLog)), query_(query), visit_(visit) {
    if (!query.follow) return;
    watch_ = UniqueFd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    const std::string folder(root);
    if (watch_ &&
        inotify_add_watch(watch_.get(), folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
      watch_.Reset();
    }
  }

  absl::Status Run() {
    if (query_.since < absl::Now()) RETURN_IF_ERROR(ReadOld());
    while (!done_) {
      RETURN_IF_ERROR(ReadNew());
      if (done_ || !query_.follow || absl::Now() > query_.until) break;
      Wait();
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ReadOld() {
    absl::StatusOr<UniqueFd> file = OpenFile(path_ + ".1", O_RDONLY);
    if (absl::IsNotFound(file.status())) return absl::OkStatus();
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    RETURN_IF_ERROR(ReadFile());
    file_.Reset();
    partial_.clear();
    return absl::OkStatus();
  }

  // Goes on with the open file; where another has taken its place, with that one.
  absl::Status ReadNew() {
    while (true) {
      if (!file_) {
        absl::StatusOr<UniqueFd> file = OpenFile(path_, O_RDONLY);
        if (absl::IsNotFound(file.status())) return absl::OkStatus();
        if (!file.ok()) return file.status();
        file_ = *std::move(file);
      }
      const bool replaced = IsReplaced();
      RETURN_IF_ERROR(ReadFile());
      if (!replaced || done_) return absl::OkStatus();
      file_.Reset();
      partial_.clear();
    }
  }

  bool IsReplaced() const {
    struct stat open_file;
    struct stat current;
    if (fstat(file_.get(), &open_file) != 0 || stat(path_.c_str(), &current) != 0) return false;
    return open_file.st_ino != current.st_ino || open_file.st_dev != current.st_dev;
  }

  absl::Status ReadFile() {
    char buffer[65536];
    while (!done_) {
      const ssize_t length = read(file_.get(), buffer, sizeof(buffer));
      if (length < 0) return PosixStatus(errno, absl::StrCat("read ", path_));
      if (length == 0) return absl::OkStatus();
      partial_.append(buffer, static_cast<size_t>(length));
      VisitLines();
    }
    return absl::OkStatus();
  }

  void VisitLines() {
    absl::string_view left = partial_;
    for (size_t end = left.find('\n'); !done_ && end != absl::string_view::npos;
         end = left.find('\n')) {
      const absl::StatusOr<Event> event = EventFromJson(left.substr(0, end));
      left.remove_prefix(end + 1);
      if (!event.ok() || event->time < query_.since) continue;
      if (event->time > query_.until) continue;
      if (query_.filter.Matches(*event)) done_ = !visit_(*event);
    }
    partial_.erase(0, partial_.size() - left.size());
  }

  void Wait() {
    pollfd event = {.fd = watch_.get(), .events = POLLIN, .revents = 0};
    absl::Duration timeout = query_.until - absl::Now();
    timeout = std::min(timeout, watch_ ? absl::Seconds(10) : kLookInterval);
    poll(&event, watch_ ? 1 : 0,
         static_cast<int>(std::max<int64_t>(1, absl::ToInt64Milliseconds(timeout))));
    alignas(inotify_event) char events[4096];
    while (watch_ && read(watch_.get(), events, sizeof(events)) > 0) {
    }
  }

  std::string path_;
  const EventQuery& query_;
  absl::FunctionRef<bool(const Event&)> visit_;
  UniqueFd watch_;
  UniqueFd file_;
  std::string partial_;
  bool done_ = false;
};

}  // namespace

absl::Status ReadEvents(absl::string_view root, const EventQuery& query,
                        absl::FunctionRef<bool(const Event&)> visit) {
  return EventReader(root, query, visit).Run();
}

}  // namespace tiny::state
