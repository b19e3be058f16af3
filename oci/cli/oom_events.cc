#include "oci/cli/oom_events.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cgroup/stats.h"

namespace tiny::oci {
namespace {

constexpr char kControl[] = "/cgroup.event_control";

}  // namespace

absl::StatusOr<OomEvents> OomEvents::Watch(const cgroup::Hierarchy& hierarchy,
                                           absl::string_view cgroup_path) {
  OomEvents events;
  if (const cgroup::LegacyTree* tree = hierarchy.FindLegacy("memory"); tree != nullptr) {
    events.legacy_ = true;
    events.directory_ = absl::StrCat(tree->mount_point, cgroup_path);
    if (absl::Status status = events.WatchLegacy(); !absl::IsNotFound(status)) {
      RETURN_IF_ERROR(status);
    }
    return events;
  }
  events.directory_ = absl::StrCat(hierarchy.unified(), cgroup_path);
  absl::StatusOr<UniqueFd> file = OpenFile(events.directory_ + "/memory.events", O_RDONLY);
  if (absl::IsNotFound(file.status())) return events;
  ASSIGN_OR_RETURN(events.file_, std::move(file));
  events.kills_ = events.Kills();
  return events;
}

absl::Status OomEvents::WatchLegacy() {
  ASSIGN_OR_RETURN(const UniqueFd control, OpenFile(directory_ + "/memory.oom_control", O_RDONLY));
  UniqueFd notified(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!notified) return PosixStatus(errno, "eventfd");
  RETURN_IF_ERROR(
      WriteControlFile(directory_ + kControl, absl::StrCat(notified.get(), " ", control.get())));
  file_ = std::move(notified);
  return absl::OkStatus();
}

uint64_t OomEvents::Kills() const {
  if (lseek(file_.get(), 0, SEEK_SET) != 0) return kills_;
  const absl::StatusOr<std::string> text = ReadFd(file_.get(), "memory.events");
  return text.ok() ? cgroup::FlatKeyedValue(*text, "oom_kill").value_or(kills_) : kills_;
}

bool OomEvents::Take() {
  if (!file_) return false;
  if (!legacy_) return std::exchange(kills_, Kills()) < kills_;
  // Its removal is notified, too.
  uint64_t count = 0;
  return read(file_.get(), &count, sizeof(count)) == sizeof(count) &&
         access((directory_ + kControl).c_str(), F_OK) == 0;
}

}  // namespace tiny::oci
