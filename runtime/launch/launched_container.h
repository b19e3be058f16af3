// What stands behind a LaunchedContainer: shared by Launch and LaunchExec.
#ifndef TINY_RUNTIME_LAUNCH_LAUNCHED_CONTAINER_H_
#define TINY_RUNTIME_LAUNCH_LAUNCHED_CONTAINER_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "cgroup/cgroup.h"
#include "fs/mount_plan.h"
#include "init/payload.h"
#include "ns/launcher.h"
#include "ns/network_maker.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/net_devices.h"
#include "runtime/launch/plan_namespaces.h"
#include "runtime/launch/steps_child.h"

namespace tiny::runtime {

// Holds all that the child reads, as it may run in this process's memory. Members are destroyed in
// reverse order: the child first.
struct LaunchedContainer::Impl {
  ~Impl();

  // The descriptors of the program: three streams (the terminal's are placed by a step) and those
  // that are preserved.
  void PlaceDescriptors(const int (&stdio)[3], bool terminal, const std::vector<int>& preserved);
  // Gives the streams to the user of a process in a user namespace, for whom they would have no
  // owner: it may open /dev/stdout again. Elsewhere the stub does it.
  static void OwnStreams(const int (&stdio)[3], const oci::Spec& spec, uint32_t uid);
  // In use when the child begins, about: the kernel gives the lowest number that is free.
  int HighestDescriptor() const;
  void AddStep(const char* name, ChildResult (*run)(const void*) noexcept, const void* argument);
  // Takes the child into the version 1 directories of `cgroup`, if it has any, and then into those
  // whose `tasks` are given.
  absl::Status AddCgroupStep(bool unshare, const std::vector<int>& further = {});
  // After the cgroup is entered, whose cpuset says which nodes there are.
  absl::Status AddMemoryPolicy(const oci::Spec& spec);
  void SetProgram(const oci::Process& process);
  absl::Status SetConsoleSize() const;
  // Takes what the child hands out; at a barrier, does the parent's part.
  absl::Status OnMessage(const init::InitMessage& message, UniqueFd descriptor);
  // As PendingChild does; what comes meanwhile goes to OnMessage.
  absl::Status WaitUntilReady();
  absl::Status ConfigureAndWait();
  // Lets the program start, and returns when it has: LaunchedContainer::Start.
  absl::Status Execute();

  std::optional<cgroup::Cgroup> cgroup;
  bool owns_cgroup = false;  // removed where the container does not come to be

  NamespacePlan namespaces;
  fs::CompiledMountsPtr mounts;
  ns::NetworkMaker::Made network;  // where it was made ahead
  std::vector<UniqueFd> id_map_namespaces;
  UniqueFd stub;
  UniqueFd start_socket;
  UniqueFd sysctl_directory;
  std::deque<std::string> texts;
  std::vector<SysctlStep::Value> sysctl_values;
  SysctlStep sysctls;
  std::vector<UniqueFd> cgroup_files;
  std::vector<int> cgroup_fds;
  CgroupStep cgroups;
  MemoryPolicyStep memory_policy;
  ns::SendDescriptorArgument console_master;
  int console_slave = -1;
  static constexpr int kUpperDescriptor = 1;
  ns::SendDescriptorArgument overlay_upper{.id = kUpperDescriptor};
  TerminalStep terminal;
  ns::BarrierArgument barrier;
  std::function<absl::Status()> on_barrier;
  ns::LaunchPlan plan;

  UniqueFd console;
  std::optional<oci::ConsoleSize> console_size;
  UniqueFd upper;
  std::string init_config;
  std::optional<StartHooks> start_hooks;
  SeccompAgent agent;
  bool agent_has_listener = false;
  bool waits_on_socket = false;
  bool released = false;  // started or detached

  // Given back and removed where the container does not come to be.
  MovedDevices net_devices;
  std::function<void()> remove_intel_rdt;

  std::optional<ns::PendingChild> child;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_LAUNCHED_CONTAINER_H_
