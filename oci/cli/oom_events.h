// Tells at once when the processes of a cgroup are out of memory.
//
//   ASSIGN_OR_RETURN(OomEvents oom, OomEvents::Watch(hierarchy, "/tiny-oci/c1"));
//   pollfd poller = oom.Poller();
//   while (poll(&poller, 1, -1) > 0 && oom.Take()) ...
//
// Version 1 notifies an eventfd of memory.oom_control, before anything is killed. Version 2
// notifies whoever polls memory.events, which counts what has been killed.
//
// Sources: cgroup-v1/memory.rst, "OOM Control", and cgroup-v2.rst, "memory.events", of Linux.
#ifndef TINY_OCI_CLI_OOM_EVENTS_H_
#define TINY_OCI_CLI_OOM_EVENTS_H_

#include <poll.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "cgroup/hierarchy.h"

namespace tiny::oci {

// Thread-compatible.
class OomEvents {
 public:
  // Of a cgroup that is there. Where no memory controller has it, there never is an event.
  static absl::StatusOr<OomEvents> Watch(const cgroup::Hierarchy& hierarchy,
                                         absl::string_view cgroup_path);

  // For poll(2), which ignores it where there never is an event.
  pollfd Poller() const { return {file_.get(), static_cast<short>(legacy_ ? POLLIN : POLLPRI), 0}; }

  // Whether there was one since the last call; not when the cgroup has been removed.
  bool Take();

 private:
  OomEvents() = default;

  absl::Status WatchLegacy();
  // How many processes have been killed, by version 2.
  uint64_t Kills() const;

  std::string directory_;
  UniqueFd file_;  // the eventfd, or memory.events
  bool legacy_ = false;
  uint64_t kills_ = 0;
};

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_OOM_EVENTS_H_
