// Steps of the child that belong to no other module: sysctls, version 1 cgroups, the terminal.
#ifndef TINY_RUNTIME_LAUNCH_STEPS_CHILD_H_
#define TINY_RUNTIME_LAUNCH_STEPS_CHILD_H_

#include <sched.h>

#include <cstddef>

#include "base/child_step.h"

namespace tiny::runtime {

// Writes to /proc/sys, as the namespaces that the child is in see it.
struct SysctlStep {
  struct Value {
    const char* path;  // relative to `directory`: "net/ipv4/ip_forward"
    const char* value;
    size_t size;
  };
  int directory = -1;  // of /proc/sys, known to be procfs
  const Value* values = nullptr;
  size_t count = 0;
};
ChildResult WriteSysctlsInChild(const void* step) noexcept;

// Moves the child, which has one thread, into version 1 cgroups (cgroup::Cgroup::OpenLegacyTasks),
// and then, as its root is where one is when it is made, makes the cgroup namespace.
struct CgroupStep {
  const int* tasks = nullptr;  // descriptors of `tasks`
  size_t count = 0;
  bool unshare = false;
};
ChildResult EnterCgroupsInChild(const void* step) noexcept;

// set_mempolicy(2), for the child and all that come of it.
struct MemoryPolicyStep {
  int mode = 0;  // with its flags
  cpu_set_t nodes;
};
ChildResult SetMemoryPolicyInChild(const void* step) noexcept;

// Makes a terminal descriptor the child's 0, 1 and 2.
ChildResult UseTerminalInChild(const void* slave) noexcept;  // const int*

// Opens a pty of the devpts on /dev/pts, for a process that has joined a container: `master` is for
// SendDescriptorStep, `slave` for UseTerminalInChild.
struct TerminalStep {
  int* master = nullptr;
  int* slave = nullptr;
};
ChildResult OpenTerminalInChild(const void* step) noexcept;

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_STEPS_CHILD_H_
