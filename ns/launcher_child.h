// What the launcher's child is given: plain memory, prepared by the parent. Internal to ns.
#ifndef TINY_NS_LAUNCHER_CHILD_H_
#define TINY_NS_LAUNCHER_CHILD_H_

#include <linux/sched.h>

#include <cstddef>
#include <cstdint>

#include "base/child_step.h"
#include "ns/launcher.h"

namespace tiny::ns {

// Steps of the launcher's own, as ChildResult::step says them: kBuiltinSteps + one of these.
enum class BuiltinStep : uint32_t {
  kJoin,
  kTime,
  kClone,
  kUser,
  kIpc,
  kCgroup,
  kUts,
  kLoopback,
  kExec
};
inline constexpr uint32_t kBuiltinSteps = 0x10000;
// "join namespaces" for kBuiltinSteps, ...
const char* BuiltinStepName(uint32_t step);

struct Text {
  const char* data = nullptr;
  size_t size = 0;
};

struct ChildPlan {
  int link = -1;         // the child's end of the pair
  int parent_link = -1;  // the other one, where it has to be closed

  const JoinedNamespace* join = nullptr;
  size_t join_count = 0;
  int join_pidfd = -1;
  uint64_t join_flags = 0;
  Text time_offsets;
  bool new_time_namespace = false;
  bool joins_processes = false;  // others in there may trace this one: not dumpable

  // Joining a pid namespace, or making a time namespace, is for children only, and what is new has
  // to belong to a user namespace that is joined: then the first child is an intermediate one that
  // makes the final one with these, and exits.
  bool intermediate = false;
  clone_args final_clone = {};

  bool new_user_namespace = false;
  bool joins_user_namespace =
      false;                       // one given by its path, where the child's ids may be unmapped
  bool new_ipc_namespace = false;  // to be made by the root of the user namespace
  bool new_cgroup_namespace = false;
  Text hostname;
  Text domainname;
  bool loopback_up = false;

  const ChildStep* steps = nullptr;
  size_t step_count = 0;

  int image_fd = -1;
  const char* const* argv = nullptr;  // argv[0] is the stub's own
  const char* const* envp = nullptr;
  const int* descriptors = nullptr;
  size_t descriptor_count = 0;  // the link comes after them, then start_fd
  int start_fd = -1;
};

// Runs a const ChildPlan*; never returns.
void RunChild(void* plan) noexcept;

}  // namespace tiny::ns

#endif  // TINY_NS_LAUNCHER_CHILD_H_
