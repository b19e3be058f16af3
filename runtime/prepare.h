// From a container's record to what the launcher takes: the place where configuration meets the
// machine. Volumes are made, users are looked up in the root file system, devices on the host.
#ifndef TINY_RUNTIME_PREPARE_H_
#define TINY_RUNTIME_PREPARE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "oci/spec.h"
#include "runtime/engine.h"
#include "runtime/launch/launch.h"
#include "state/store.h"

namespace tiny::runtime {

struct PrepareOptions {
  const EngineOptions& engine;
  const state::StateStore* store;
  std::string term;
};

// The request refers to the spec, and that to descriptors: they stay together until the launch.
struct PreparedLaunch {
  std::vector<UniqueFd> held;
  oci::Spec spec;
  LaunchRequest request;  // without stdio and callbacks
};

// Fills in what belongs to the record before a start: state->cgroup_path and state->volumes.
// Errors are those of a start, for the user: they name the flag or the object.
absl::StatusOr<std::unique_ptr<PreparedLaunch>> PrepareLaunch(const state::ContainerConfig& config,
                                                              const PrepareOptions& options,
                                                              state::ContainerState* state);

// What a start would refuse, whatever the root then holds: an unknown capability, a device that is
// not there, a sysctl that is not the container's. The program and names of users may still come.
absl::Status CheckStart(const state::ContainerConfig& config);

struct PreparedExec {
  oci::Spec spec;
  oci::Process process;
  ExecRequest request;  // without stdio
};

// For a process in a running container; users are looked up in what the container sees now.
// `pidfd`, of the container's first process, is borrowed.
absl::StatusOr<std::unique_ptr<PreparedExec>> PrepareExec(const state::ContainerConfig& config,
                                                          const state::ContainerState& state,
                                                          const ExecOptions& exec, int pidfd);

// The files in `directory` that are bind-mounted over those in the container's /etc. They must be
// there before the launch, and are written in place, as the mounts are of the very files.
absl::Status MakeEtcFiles(int directory, const state::ContainerConfig& config);
absl::Status WriteEtcFiles(int directory, absl::string_view hosts, absl::string_view resolv_conf);

// "/tiny/<id>", or below --cgroup-parent.
std::string CgroupPathOf(const state::ContainerConfig& config);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_PREPARE_H_
