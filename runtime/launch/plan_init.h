// A spec's process as the init stub's configuration: who the program becomes.
#ifndef TINY_RUNTIME_LAUNCH_PLAN_INIT_H_
#define TINY_RUNTIME_LAUNCH_PLAN_INIT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "oci/spec.h"

namespace tiny::runtime {

struct InitInputs {
  const oci::Process* process = nullptr;
  const oci::Spec* spec = nullptr;  // for seccomp and personality
  std::string keyring;              // empty: none is made
  std::string path;                 // of the program; empty: process.args[0]
  bool default_seccomp = false;
  bool reaper = false;
  // It stands in a root file system of its own: a working directory that is not there is made.
  bool new_root = false;
  bool check_program = false;
  bool may_set_groups = true;  // setgroups(2) where the process is
  int start_fd = -1;
};

// The message of init/payload.h. Errors name the field of the spec.
absl::StatusOr<std::string> PlanInit(const InitInputs& inputs);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_PLAN_INIT_H_
