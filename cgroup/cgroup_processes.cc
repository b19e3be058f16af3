// The processes of a cgroup: to list, to stop and continue, to kill, and to be rid of.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/value_file.h"
#include "cgroup/cgroup.h"

namespace tiny::cgroup {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(50);
constexpr absl::Duration kRemovePatience = absl::Seconds(2);
constexpr absl::Duration kLeavePatience = absl::Milliseconds(200);

// Calls `done` until it returns true, with growing pauses; false when the time is over.
absl::StatusOr<bool> Repeat(absl::Duration deadline,
                            absl::FunctionRef<absl::StatusOr<bool>()> done) {
  const absl::Time end = WallNow() + deadline;
  for (absl::Duration pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    ASSIGN_OR_RETURN(const bool is_done, done());
    if (is_done) return true;
    if (WallNow() >= end) return false;
    absl::SleepFor(pause);
  }
}

absl::StatusOr<std::string> ReadState(const Directory& directory, absl::string_view file) {
  absl::StatusOr<std::string> text = ReadFileAt(directory.fd.get(), file);
  if (!text.ok()) return Annotate(text.status(), directory.path);
  return text;
}

absl::Status WriteState(const Directory& directory, absl::string_view file,
                        absl::string_view value) {
  return Annotate(WriteControlFileAt(directory.fd.get(), file, value), directory.path);
}

absl::Status TimedOut(const Directory& directory, bool frozen) {
  return absl::DeadlineExceededError(
      absl::StrCat("cgroup ", directory.path, " did not ", frozen ? "freeze" : "thaw"));
}

// cgroup.events is a file to poll(2): POLLPRI when it changed since it was read.
absl::Status WaitForFrozenEvent(const Directory& directory, bool frozen, absl::Duration deadline) {
  ASSIGN_OR_RETURN(const UniqueFd events,
                   OpenFileAt(directory.fd.get(), "cgroup.events", O_RDONLY));
  const absl::Time end = WallNow() + deadline;
  while (true) {
    if (lseek(events.get(), 0, SEEK_SET) != 0) return PosixStatus(errno, "seek cgroup.events");
    ASSIGN_OR_RETURN(const std::string text, ReadFd(events.get(), "cgroup.events"));
    if (FlatKeyedValue(text, "frozen").value_or(0) == (frozen ? 1U : 0U)) return absl::OkStatus();
    const absl::Duration left = end - WallNow();
    if (left <= absl::ZeroDuration()) return TimedOut(directory, frozen);
    pollfd poller = {events.get(), POLLPRI, 0};
    if (poll(&poller, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) < 0 &&
        errno != EINTR) {
      return PosixStatus(errno, "poll cgroup.events");
    }
  }
}

// A freezer of version 1 that meets a fork may stay FREEZING until it is told again.
absl::Status SetLegacyFrozen(const Directory& directory, bool frozen, absl::Duration deadline) {
  const absl::string_view wanted = frozen ? "FROZEN" : "THAWED";
  ASSIGN_OR_RETURN(const bool done, Repeat(deadline, [&]() -> absl::StatusOr<bool> {
                     RETURN_IF_ERROR(WriteState(directory, "freezer.state", wanted));
                     ASSIGN_OR_RETURN(const std::string state,
                                      ReadState(directory, "freezer.state"));
                     return absl::StripAsciiWhitespace(state) == wanted;
                   }));
  if (done) return absl::OkStatus();
  if (frozen) (void)WriteState(directory, "freezer.state", "THAWED");
  return TimedOut(directory, frozen);
}

// Removes it; false where it has children or processes.
bool IsGone(const std::string& path) { return rmdir(path.c_str()) == 0 || errno == ENOENT; }

absl::Status SignalAll(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) {
    if (kill(pid, SIGKILL) != 0 && errno != ESRCH) {
      return PosixStatus(errno, absl::StrCat("kill process ", pid));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<pid_t>> Cgroup::Pids() const { return ReadPidsOfTree(Tracking()); }

absl::Status Cgroup::SetFrozen(bool frozen, absl::Duration deadline) {
  if (!unified_.fd) return SetLegacyFrozen(Tracking(), frozen, deadline);
  RETURN_IF_ERROR(WriteState(unified_, "cgroup.freeze", frozen ? "1" : "0"));
  const absl::Status status = WaitForFrozenEvent(unified_, frozen, deadline);
  if (!status.ok() && frozen) (void)WriteState(unified_, "cgroup.freeze", "0");
  return status;
}

absl::StatusOr<bool> Cgroup::IsFrozen() const { return IsFrozen(hierarchy_, path_); }

absl::StatusOr<bool> Cgroup::IsFrozen(const Hierarchy& hierarchy, absl::string_view path) {
  RETURN_IF_ERROR(ValidateCgroupPath(path));
  if (!hierarchy.unified().empty()) {
    ASSIGN_OR_RETURN(const std::string events,
                     ReadValue(absl::StrCat(hierarchy.unified(), path, "/cgroup.events")));
    return FlatKeyedValue(events, "frozen").value_or(0) == 1;
  }
  const LegacyTree* freezer = hierarchy.FindLegacy("freezer");
  if (freezer == nullptr) return false;
  ASSIGN_OR_RETURN(const std::string state,
                   ReadValue(absl::StrCat(freezer->mount_point, path, "/freezer.state")));
  return absl::StripAsciiWhitespace(state) == "FROZEN";
}

absl::Status Cgroup::Kill() {
  if (unified_.fd) {
    const absl::Status status = WriteState(unified_, "cgroup.kill", "1");
    // Linux before 5.14 has no such file.
    if (GetErrno(status) != ENOENT) return status;
  }
  // Frozen, none of them forks while they are signalled; the signal acts on them once thawed.
  const absl::Status frozen = SetFrozen(true, absl::Seconds(1));
  absl::Status status = frozen;
  for (int i = 0; i < (frozen.ok() ? 1 : 100); ++i) {
    const absl::StatusOr<std::vector<pid_t>> pids = Pids();
    status = pids.ok() ? SignalAll(*pids) : pids.status();
    if (!status.ok() || pids->empty()) break;
  }
  const absl::Status thawed = SetFrozen(false);
  return status.ok() ? thawed : status;
}

absl::Status Cgroup::RemoveDirectories(Remaining remaining) {
  bool gone = true;
  for (const LegacyDirectory& legacy : legacy_) gone &= IsGone(legacy.directory.path);
  if (unified_.fd) gone &= IsGone(unified_.path);
  if (gone) return absl::OkStatus();
  if (remaining == Remaining::kLeftAlone) {
    const absl::StatusOr<std::vector<pid_t>> pids = Pids();
    if (pids.ok() && !pids->empty()) {
      return PosixStatus(EBUSY, absl::StrCat("remove cgroup ", Tracking().path));
    }
  }
  absl::Status first;
  const auto remove = [&](absl::string_view mount_point) {
    const std::string path = absl::StrCat(mount_point, path_);
    if (IsGone(path)) return;
    const auto [parent_path, name] = SplitLast(path);
    const absl::StatusOr<Directory> parent = OpenRoot(parent_path);
    const absl::Status status = parent.ok() ? RemoveCgroups(*parent, name) : parent.status();
    if (!status.ok() && GetErrno(status) != ENOENT) first.Update(status);
  };
  for (const LegacyTree& tree : hierarchy_.legacy()) remove(tree.mount_point);
  if (!hierarchy_.unified().empty()) remove(hierarchy_.unified());
  return first;
}

absl::StatusOr<UniqueFd> Cgroup::OpenCgroupOf(pid_t pid) const {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(absl::StrCat("/proc/", pid, "/cgroup")));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "0::")) continue;
    if (line != path_ && !absl::StartsWith(line, path_ + "/")) break;
    ASSIGN_OR_RETURN(const Directory root, OpenRoot(hierarchy_.unified()));
    ASSIGN_OR_RETURN(Directory directory, OpenBeneath(root, line));
    return std::move(directory.fd);
  }
  return absl::FailedPreconditionError(absl::StrCat("process ", pid, " is not in cgroup ", path_));
}

absl::Status Cgroup::Destroy(const Hierarchy& hierarchy, absl::string_view path,
                             Remaining remaining) {
  RETURN_IF_ERROR(ValidateCgroupPath(path));
  const auto gone_from = [&](absl::string_view mount_point) {
    return IsGone(absl::StrCat(mount_point, path));
  };
  // The tree that knows which processes are the container's goes last.
  const absl::string_view tracking = TrackingTree(hierarchy);
  bool gone = !tracking.empty();
  for (const LegacyTree& tree : hierarchy.legacy()) {
    gone = gone && (tree.mount_point == tracking || gone_from(tree.mount_point));
  }
  if (gone && gone_from(tracking)) return absl::OkStatus();
  absl::StatusOr<Cgroup> cgroup = Open(hierarchy, path);
  if (absl::IsNotFound(cgroup.status())) return absl::OkStatus();
  RETURN_IF_ERROR(cgroup.status());
  if (remaining == Remaining::kKilled) RETURN_IF_ERROR(cgroup->Kill());
  return cgroup->Remove(remaining);
}

bool Cgroup::RemoveEmpty(const Hierarchy& hierarchy, absl::string_view path) {
  if (!ValidateCgroupPath(path).ok()) return false;
  const auto remove = [&](absl::string_view mount_point) {
    return rmdir(absl::StrCat(mount_point, path).c_str()) == 0;
  };
  const absl::string_view tracking = TrackingTree(hierarchy);
  for (const LegacyTree& tree : hierarchy.legacy()) {
    if (tree.mount_point != tracking && !remove(tree.mount_point)) return false;
  }
  return !tracking.empty() && remove(tracking);
}

absl::Status Cgroup::Remove(Remaining remaining) {
  absl::Status last;
  const bool kills = remaining == Remaining::kKilled;
  const absl::Duration patience = kills ? kRemovePatience : kLeavePatience;
  ASSIGN_OR_RETURN(const bool removed, Repeat(patience, [&]() -> absl::StatusOr<bool> {
                     last = RemoveDirectories(remaining);
                     if (last.ok()) return true;
                     if (GetErrno(last) != EBUSY) return last;
                     if (!kills) return false;
                     const absl::StatusOr<std::vector<pid_t>> pids = Pids();
                     if (pids.ok() && !pids->empty()) RETURN_IF_ERROR(Kill());
                     return false;
                   }));
  if (removed) return absl::OkStatus();
  std::vector<const Directory*> used;
  for (const LegacyDirectory& legacy : legacy_) used.push_back(&legacy.directory);
  if (unified_.fd) used.push_back(&unified_);
  for (const Directory* directory : used) {
    const absl::StatusOr<std::vector<pid_t>> pids = ReadPidsOfTree(*directory);
    if (!pids.ok() || pids->empty()) continue;
    const absl::StatusOr<ProcessStat> process = ReadProcessStat((*pids)[0]);
    return absl::DeadlineExceededError(
        absl::StrCat("cgroup ", directory->path, " is still in use by process ", (*pids)[0],
                     process.ok() ? absl::StrCat(" (", process->comm, ")") : "",
                     ", which is not the container's"));
  }
  return absl::DeadlineExceededError(last.message());
}

}  // namespace tiny::cgroup
