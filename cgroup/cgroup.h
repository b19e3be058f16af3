// One container's cgroup, behind one interface on version 2, version 1 and hybrid machines.
//
//   ASSIGN_OR_RETURN(const Hierarchy hierarchy, Hierarchy::Detect());
//   ASSIGN_OR_RETURN(Cgroup cgroup, Cgroup::Create(hierarchy, "/tiny/0123", resources));
//   clone_args.cgroup = cgroup.dir_fd();             // CLONE_INTO_CGROUP, where it is not -1
//   RETURN_IF_ERROR(cgroup.EnterLegacy(child));      // before the child may run its program; or
//                                                    // the child does it through OpenLegacyTasks
//   ...
//   RETURN_IF_ERROR(cgroup.Kill());
//   RETURN_IF_ERROR(cgroup.Remove());
//
// A path names the same cgroup in every tree. Which directories are made:
//   v2      one, with the memory, pids and io controllers wherever they can be had, so that usage
//           is counted, and those that a limit needs.
//   hybrid  one in the unified tree, which tracks, freezes and kills and holds the device program;
//           and one for each version 1 controller that a limit needs. A directory there costs up to
//           100 us, so there is none for counting only: without limits ReadStats takes cpu time
//           from the unified tree and memory from /proc.
//   v1      one for the freezer, which also tracks, and as above for limits. Cpu time is from
//           /proc, too: that of processes that live and of the children that they have waited for.
//
// A new cgroup namespace has as its root the cgroups of the process that makes it: unshare(2) it in
// the child after EnterLegacy; with clone(2) the root would be the parent's cgroup.
//
// Errors: PosixStatus with the file; kFailedPrecondition with a hint for a controller that is
// missing: which, in which mode, the first cgroup that lacks it, and where it can be enabled.
#ifndef TINY_CGROUP_CGROUP_H_
#define TINY_CGROUP_CGROUP_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "cgroup/directory.h"
#include "cgroup/hierarchy.h"
#include "cgroup/resources.h"
#include "cgroup/stats.h"

namespace tiny::cgroup {

// Thread-compatible. Destroying it leaves the cgroup as it is.
class Cgroup {
 public:
  // Makes the cgroup and its missing parents, and writes every limit. kAlreadyExists if there are
  // processes in it; an empty one that was left behind is taken over. kInvalidArgument for a bad
  // path. Nothing is left where it fails, but for parents.
  static absl::StatusOr<Cgroup> Create(const Hierarchy& hierarchy, absl::string_view path,
                                       const Resources& resources);

  // Create for one that systemd has made, with a process of it inside: what is there is taken as it
  // is, and what is missing for `resources` is made.
  static absl::StatusOr<Cgroup> Adopt(const Hierarchy& hierarchy, absl::string_view path,
                                      const Resources& resources);

  // The cgroup as it is there. kNotFound if no tree has it.
  static absl::StatusOr<Cgroup> Open(const Hierarchy& hierarchy, absl::string_view path);

  // What becomes of processes that are in it, or in cgroups beneath it, when it is to go.
  enum class Remaining { kKilled, kLeftAlone };

  // Kills what is in the cgroup of that path and removes it, as Open, Kill and Remove do; one that
  // is empty by one system call for each tree. One that is gone is ok.
  static absl::Status Destroy(const Hierarchy& hierarchy, absl::string_view path,
                              Remaining remaining = Remaining::kKilled);

  // Removes the cgroup of that path where every tree of the hierarchy has it and it is empty; false
  // where that is not so, for Destroy to find out why.
  static bool RemoveEmpty(const Hierarchy& hierarchy, absl::string_view path);

  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = default;

  const std::string& path() const { return path_; }

  // The directory in the unified tree, for CLONE_INTO_CGROUP; -1 on a version 1 machine.
  int dir_fd() const { return unified_.fd.get(); }
  // Whether EnterLegacy has anything to do.
  bool has_legacy() const { return !legacy_.empty(); }
  // The version 1 trees that it has a directory in.
  std::vector<LegacyTree> LegacyTrees() const;
  // The hierarchy without those that it has none in: enough for Open, IsFrozen and RemoveEmpty, at
  // less cost.
  Hierarchy OwnTrees() const { return hierarchy_.WithLegacy(LegacyTrees()); }
  // Whether it is there, and no update has made directories of it in other trees since.
  static bool IsAllIn(const Hierarchy& own_trees, absl::string_view path);

  // The version 1 directories' `tasks`, open for writing: a child of one thread that writes "0" to
  // each before it runs its program moves itself there. A thread that moves itself alone takes no
  // lock that every fork(2) and exit(2) of the machine shares (cgroup_procs_write_start in
  // kernel/cgroup/cgroup.c): 30 us, where a pid or cgroup.procs costs an RCU grace period, 8 ms.
  absl::StatusOr<std::vector<UniqueFd>> OpenLegacyTasks() const;
  // Moves a process into the version 1 directories, by one write(2) each; costs as said above.
  absl::Status EnterLegacy(pid_t pid) const;
  // Into all of them, for a process that was not cloned into the unified one.
  absl::Status Enter(pid_t pid) const;

  // Changes limits of running processes; makes the version 1 directory of a controller that had
  // none and moves them there. Quota and period go together. Device rules are not changed.
  absl::Status Update(const Resources& resources);

  // The unified directory, of this cgroup or one in it, that a process of it is in. For one more
  // process where the container has handed controllers on to cgroups of its own: its own takes none
  // then (EBUSY; cgroup-v2.rst, "No Internal Process Constraint"). kFailedPrecondition for a
  // process that is elsewhere.
  absl::StatusOr<UniqueFd> OpenCgroupOf(pid_t pid) const;

  absl::StatusOr<Stats> ReadStats() const;
  // How many processes have been killed for want of memory; 0 where nothing counts them.
  absl::StatusOr<uint64_t> OomKills() const;

  // The processes in it and below, sorted.
  absl::StatusOr<std::vector<pid_t>> Pids() const;

  // Returns when all have stopped or run again; kDeadlineExceeded if one did not within `deadline`.
  absl::Status SetFrozen(bool frozen, absl::Duration deadline = absl::Seconds(10));
  absl::StatusOr<bool> IsFrozen() const;
  // Of the cgroup of that path, at the cost of reading one file.
  static absl::StatusOr<bool> IsFrozen(const Hierarchy& hierarchy, absl::string_view path);

  // SIGKILL to every process in it and below, frozen or not, including those being forked. They
  // may still be dying when it returns.
  absl::Status Kill();

  // Removes every directory of it, bottom up, those that the container or an update made, too: one
  // system call for each where none of them did. Processes that are left in the tracking tree are
  // killed, or left alone: then they are given a moment to end. kDeadlineExceeded, naming one, if
  // the cgroup is still in use. One that is gone is ok.
  absl::Status Remove(Remaining remaining = Remaining::kKilled);

 private:
  Cgroup() = default;

  // Create and Adopt.
  absl::Status Make(const Resources& resources);
  // The directory itself, in the tree mounted there, and parents that are missing.
  absl::StatusOr<Directory> MakeLeaf(const std::string& mount_point) const;
  // In systemd's own tree of version 1, where that has it: it finds its processes there.
  absl::Status OpenNamedTree();
  // The version that does `controller`, by its version 2 name, on this machine.
  Version VersionOf(absl::string_view controller) const;
  absl::Status MakeUnified(const std::vector<ControlWrite>& writes);
  absl::Status MissingControllerError(absl::string_view controller) const;
  // True if a directory was made.
  absl::StatusOr<bool> AddLegacy(absl::string_view controller);
  absl::StatusOr<bool> AddLegacyFor(const std::vector<ControlWrite>& writes);
  // An update makes directories that whoever made the cgroup does not know of: an empty child of
  // the tracking one, which forbids its removal, says so from before the first is made.
  absl::Status MarkAdditions(const std::vector<ControlWrite>& writes) const;
  class OpenedFile;
  absl::Status WriteLimits(const std::vector<ControlWrite>& writes) const;
  absl::Status WriteLimit(const ControlWrite& write, OpenedFile& file) const;
  absl::Status AttachDevices(const Resources& resources);
  absl::Status CheckMemoryLimit(const Resources& resources) const;
  // With the limit that there is, where one of memory and swap together is wanted alone.
  absl::StatusOr<Resources> WithMemoryLimit(Resources resources) const;
  // The directory of a controller by the name that its version has for it, or nullptr.
  const Directory* Find(absl::string_view controller, Version version) const;
  // EBUSY while there are processes.
  absl::Status RemoveDirectories(Remaining remaining = Remaining::kKilled);
  // The one that knows all processes: the unified one, or the freezer's.
  const Directory& Tracking() const;
  // Where the tree of those is mounted; empty where there is neither.
  static absl::string_view TrackingTree(const Hierarchy& hierarchy);

  struct LegacyDirectory {
    std::vector<std::string> controllers;
    Directory directory;
  };

  Hierarchy hierarchy_;
  std::string path_;
  bool adopts_ = false;
  Directory unified_;        // no descriptor on a version 1 machine
  UniqueFd device_program_;  // of one that was made here, which holds it by itself
  std::vector<LegacyDirectory> legacy_;
};

}  // namespace tiny::cgroup

#endif  // TINY_CGROUP_CGROUP_H_
