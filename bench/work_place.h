// A temporary folder with all that an end-to-end benchmark needs: a root file system whose one
// program is //bench:payload as /bin/true and /bin/wait-for-term, an OCI bundle of it, and roots
// for state.
//
//   ASSIGN_OR_RETURN(const WorkPlace place, WorkPlace::Make());
//   RunCommand({place.program("oci/cli/tiny-oci"), "run", "--bundle", place.bundle(), "x"});
//
// Its destructor deletes the folder. Thread-compatible.
#ifndef TINY_BENCH_WORK_PLACE_H_
#define TINY_BENCH_WORK_PLACE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::bench {

class WorkPlace {
 public:
  static absl::StatusOr<WorkPlace> Make();
  WorkPlace(WorkPlace&& other) noexcept
      : path_(std::exchange(other.path_, "")), run_path_(std::exchange(other.run_path_, "")) {}
  ~WorkPlace();

  std::string rootfs() const { return path_ + "/rootfs"; }
  std::string bundle() const { return path_ + "/bundle"; }
  std::string Path(absl::string_view name) const { return path_ + "/" + std::string(name); }

  // A program of this workspace, "cli/tiny": beside this one, or in its runfiles.
  static std::string Program(absl::string_view label);

  // `tiny` with roots in here; and tiny-oci.
  std::vector<std::string> Tiny(const std::vector<std::string>& arguments) const;
  std::vector<std::string> TinyOci(const std::vector<std::string>& arguments) const;

 private:
  WorkPlace() = default;
  std::string path_;
  std::string run_path_;  // in memory, as /run is
};

// Runs a command to its end, its output thrown away; started by vfork, so that the size of this
// process does not count. The status as a shell says it; PosixStatus where it cannot be started.
absl::StatusOr<int> RunCommand(const std::vector<std::string>& argv);

}  // namespace tiny::bench

#endif  // TINY_BENCH_WORK_PLACE_H_
