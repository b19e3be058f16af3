// Spec in, process out: the one way in which tiny and tiny-oci make a container.
//
//   ASSIGN_OR_RETURN(LaunchedContainer container, Launch(request));
//   RETURN_IF_ERROR(container.Start());  // until then the program waits, with its mounts made
//
// Launch compiles the whole plan in the parent (plain memory and open descriptors), makes the child
// by one clone3(2), does its outside half (id maps, rlimits, network, hooks) while the child does
// the inside half (mounts, pivot_root), and returns when the init stub waits for its byte; or with
// LaunchRequest::starts, when the program runs.
// Whatever fails, nothing of the container is left: no process, no cgroup. Thread-compatible.
#ifndef TINY_RUNTIME_LAUNCH_LAUNCH_H_
#define TINY_RUNTIME_LAUNCH_LAUNCH_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/process.h"
#include "base/unique_fd.h"
#include "ns/network_maker.h"
#include "oci/spec.h"
#include "oci/state.h"

namespace tiny::cgroup {
class Cgroup;
class Hierarchy;
}  // namespace tiny::cgroup
namespace tiny::security {
class Caller;
}  // namespace tiny::security

namespace tiny::runtime {

// A root file system that is an overlay, mounted in the container's own mount namespace.
struct OverlayRoot {
  std::vector<std::string> lower_dirs;  // topmost first
  std::string upper_dir;                // empty: a tmpfs that goes with the container
  std::string work_dir;
};

struct LaunchRequest {
  const oci::Spec* spec = nullptr;  // validated; outlives the launch
  std::string id;
  std::string bundle;                // the folder that relative paths of the spec are relative to
  std::vector<OverlayRoot> overlay;  // none or one: else root.path is used as it is
  std::string cgroup_path;           // "/tiny/<id>"; relative to each hierarchy's root
  // Asked where the caller may not make that cgroup, or there are none, with why: ok lets the
  // container be without one, and stay in the caller's. Null: it may not.
  std::function<absl::Status(const absl::Status& refused)> go_without_cgroup;
  security::Caller* caller = nullptr;  // null: the machine's root
  bool adopt_cgroup = false;           // it is there, with a process in it: cgroup::Cgroup::Adopt
  // For engines that read the counters themselves: cgroup::Resources::count_usage.
  bool count_usage = false;
  // With no linux.seccomp in the spec: Docker's default policy, as compiled at build time for the
  // capabilities of the process. False: no filter (seccomp=unconfined).
  bool default_seccomp = false;
  int stdio[3] = {0, 1, 2};       // borrowed; not used with process.terminal
  std::vector<int> preserve_fds;  // become 3, 4, ... in the container
  bool init_reaper = false;       // --init: the stub stays as pid 1, forwards signals and reaps
  bool no_pivot = false;          // see fs::RootOptions
  bool no_new_keyring = false;    // leave the session keyring as it is
  // The path of the socket on which a created container waits to be started by another process
  // (StartWaiting); empty: LaunchedContainer::Start is called by this one. It is made here.
  std::string start_socket;
  // Called in the parent with a descriptor of the child's network namespace while the child makes
  // its mounts; the program starts only after it has returned ok. By its pid the child may still be
  // found in the host's namespaces.
  std::function<absl::Status(const ProcessIdentity& child, int network_namespace)>
      configure_network;
  // Called before the program is started: the place for state.
  struct Created {
    ProcessIdentity process;                 // without the boot id
    const cgroup::Cgroup* cgroup = nullptr;  // null: it has none
    // False: its process may still be in the host's namespaces and root, or have half of its
    // mounts. Nobody may join it before Launch has returned.
    bool is_complete = false;
  };
  std::function<absl::Status(const Created&)> on_created;
  // Launch starts the program, too. Where nothing has to be done once the container is made, nobody
  // waits for that then.
  bool starts = false;
  // Where one was started before the launch, for the container's new network namespace.
  ns::NetworkMaker* network_maker = nullptr;
};

// Who gets the descriptor of a filter with SCMP_ACT_NOTIFY: linux.seccomp.listenerPath.
struct SeccompAgent {
  std::string path;  // empty: there is none
  std::string metadata;
  oci::State state;  // of the container
};

// That of the spec, or none where no action of its filter asks one.
SeccompAgent AgentOf(const oci::Spec& spec, oci::State state);

struct ExecRequest;

class LaunchedContainer {
 public:
  LaunchedContainer(LaunchedContainer&&) noexcept;
  LaunchedContainer& operator=(LaunchedContainer&&) noexcept;
  ~LaunchedContainer();  // kills and reaps a container that was neither started nor detached

  pid_t pid() const;  // as the host sees it
  int pidfd() const;
  cgroup::Cgroup* cgroup() const;  // nullptr: it has none of its own
  UniqueFd TakeConsole();          // the master of the terminal, where process.terminal is set
  UniqueFd TakeUpper();            // an overlay's upper directory that is on a tmpfs: O_PATH
  UniqueFd TakePidfd();

  // Lets the program start and returns when execve(2) has succeeded; else the error says which
  // step failed on what. kNotFound (ENOENT): no such program, exit code 127; EACCES, ENOEXEC and
  // the like: 126. A missing interpreter, a CRLF script and a foreign architecture are named.
  // Where LaunchRequest::starts has seen to it there is nothing to do.
  absl::Status Start();

  // Leaves a container that waits on its start_socket to others.
  void Detach();

  struct Impl;

 private:
  friend absl::StatusOr<LaunchedContainer> Launch(const LaunchRequest& request);
  friend absl::StatusOr<LaunchedContainer> LaunchExec(const ExecRequest& request);
  explicit LaunchedContainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Runs the prestart, createRuntime and createContainer hooks of the spec; a start runs those of
// startContainer. poststart and poststop are the caller's.
absl::StatusOr<LaunchedContainer> Launch(const LaunchRequest& request);

// Lets a container that waits on its socket start, and returns as LaunchedContainer::Start does.
// kFailedPrecondition if nothing waits there. Where the agent can't be told, the program may run.
absl::Status StartWaiting(absl::string_view start_socket, const SeccompAgent& agent = {});

// The startContainer hooks of a container that waits. Their programs are the container's own, and
// so they are run as its program is: by its user, with its capabilities, limits and filter.
struct StartHooks {
  oci::Spec spec;
  std::string id;
  oci::State state;  // with the pid that the host sees
  std::string cgroup_path;
};
// Before StartWaiting; LaunchedContainer::Start does it by itself.
absl::Status RunStartHooks(const StartHooks& hooks, int container_pidfd);

// Runs one more process in a running container: its namespaces, its cgroup, its root.
struct ExecRequest {
  std::string id;  // the container's, whose session keyring it joins
  pid_t container_pid = 0;
  int container_pidfd = -1;  // borrowed
  const oci::Process* process = nullptr;
  std::string path;                 // of the program; empty: process->args[0]
  const oci::Spec* spec = nullptr;  // the container's: for its seccomp profile and the like
  bool default_seccomp = false;     // as in LaunchRequest
  oci::State state;                 // for a seccomp agent
  std::string cgroup_path;
  const cgroup::Hierarchy* hierarchy = nullptr;  // where it is known; else it is detected
  // Borrowed: `tasks` of version 1 cgroups in that of the container, where it goes on to.
  std::vector<int> cgroup_tasks;
  int stdio[3] = {0, 1, 2};  // borrowed; not used with process.terminal
  std::vector<int> preserve_fds;
  bool starts = false;                                // as in LaunchRequest
  std::function<absl::Status(pid_t pid)> on_created;  // likewise
};
absl::StatusOr<LaunchedContainer> LaunchExec(const ExecRequest& request);

// 125, 126 or 127: what `run` exits with when a program could not be started.
int ExitCodeOfStartError(const absl::Status& status);
// The same for `exec`, as Docker has it: 1 where the container is not there or not running, 127
// where the program is not, and 126 for all else that keeps it from starting.
int ExitCodeOfExecError(const absl::Status& status);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_LAUNCH_H_
