#include "oci/cli/create_container.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/exec_ids.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/unix_socket.h"
#include "cgroup/cgroup.h"
#include "oci/cli/console_socket.h"
#include "oci/cli/environment.h"
#include "oci/cli/log.h"
#include "oci/cli/rootless.h"
#include "oci/cli/systemd_scope.h"
#include "runtime/hooks/hooks.h"
#include "runtime/launch/intel_rdt.h"
#include "security/caller.h"

namespace tiny::oci {
namespace {

constexpr int kFirstPreservedFd = 3;

absl::Status CheckTerminal(const Bundle& bundle, const CreateOptions& options,
                           Attachment attachment) {
  if (bundle.spec.process->terminal && attachment != Attachment::kAttached &&
      options.console_socket.empty()) {
    return absl::InvalidArgumentError(
        "process.terminal is set: a detached container needs --console-socket");
  }
  if (!bundle.spec.process->terminal && !options.console_socket.empty()) {
    return absl::InvalidArgumentError("--console-socket needs process.terminal");
  }
  return absl::OkStatus();
}

void RunPoststop(const Globals& globals, const Hooks& hooks, const Record& record) {
  if (hooks.poststop.empty()) return;
  const std::string state = SerializeState(StateOf(record, ContainerStatus::kStopped));
  for (const std::string& failure :
       runtime::RunAllHooks("poststop", hooks.poststop, state, record.bundle)) {
    Log(globals, "warning", failure);
  }
}

bool HasMoreThanItsProcess(const Spec& spec) {
  return !spec.hooks.start_container.empty() || !spec.hooks.poststart.empty() ||
         !spec.hooks.poststop.empty() || spec.linux_.intel_rdt.has_value() ||
         !runtime::AgentOf(spec, {}).path.empty();
}

// What is half made is not left behind for a signal that asks the creator to end, which it is about
// to do anyway; and a file that RLIMIT_FSIZE does not allow is to be an error. Blocked and not
// ignored: the container has the caller's dispositions, and no signals blocked.
void ChangeSignals(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGXFSZ, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(how, &signals, nullptr);
}

bool HasOwnProcesses(const Spec& spec) {
  const std::vector<Namespace>& all = spec.linux_.namespaces;
  return std::any_of(all.begin(), all.end(),
                     [](const Namespace& each) { return each.type == "pid" && each.path.empty(); });
}

Record MakeRecord(const Bundle& bundle, const std::string& id) {
  return {.id = id,
          .oci_version = bundle.spec.oci_version,
          .bundle = bundle.path,
          .rootfs = bundle.rootfs,
          .cgroup_path = bundle.cgroup_path,
          .systemd_unit = bundle.unit.has_value() ? bundle.unit->unit : "",
          .owner = ExecUid() == 0 ? "root" : absl::StrCat(ExecUid()),
          .created = WallNow(),
          .needs_config = HasMoreThanItsProcess(bundle.spec),
          .owns_processes = HasOwnProcesses(bundle.spec),
          .annotations = bundle.spec.annotations,
          .config = bundle.config};
}

// Where nothing of the container can be left, what is in its cgroup or beneath it is another's: it
// goes on, and so does its cgroup.
absl::Status RemoveCgroup(const Globals& globals, const Record& record, cgroup::Cgroup* group) {
  using Remaining = cgroup::Cgroup::Remaining;
  const Remaining remaining = record.owns_processes ? Remaining::kLeftAlone : Remaining::kKilled;
  absl::Status removed;
  if (group != nullptr) {
    removed = group->Remove(remaining);
  } else if (!record.cgroup_path.empty()) {
    // What systemd has made, in other trees too, goes with its unit or not at all.
    const auto own = cgroup::Hierarchy::FromMountInfo(record.cgroup_mounts);
    if (own.ok() && record.systemd_unit.empty() &&
        cgroup::Cgroup::RemoveEmpty(*own, record.cgroup_path)) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
    removed = cgroup::Cgroup::Destroy(hierarchy, record.cgroup_path, remaining);
  }
  if (!absl::IsDeadlineExceeded(removed) || !record.owns_processes) return removed;
  Log(globals, "warning", removed.message());
  return absl::OkStatus();
}

}  // namespace

void EndProcess(int pidfd) {
  if (SendSignal(pidfd, SIGKILL).ok()) ReapChild(pidfd).IgnoreError();
}

void AwaitReady(const Globals& globals, NotifySocket& notify, int pidfd, pid_t pid) {
  ChangeSignals(SIG_UNBLOCK);
  const absl::Status told = notify.WaitUntilReady(pidfd, pid);
  if (!told.ok()) Log(globals, "warning", told.message());
}

void WarnOfKernelMemory(const Globals& globals, const Resources& resources) {
  if (!resources.memory.has_value()) return;
  if (resources.memory->kernel.value_or(-1) <= 0 &&
      resources.memory->kernel_tcp.value_or(-1) <= 0) {
    return;
  }
  Log(globals, "warning", "linux.resources.memory.kernel: ignored, as Linux has no such limit");
}

void AddCreateFlags(Flags& flags, CreateOptions& options) {
  flags.Add(
      {"bundle", 'b', "the folder of the bundle (default: the working one)", &options.bundle});
  flags.Add({"config", 'f', "the configuration, where it is not config.json of the bundle",
             &options.config});
  flags.Add({"console-socket", '\0', "the socket that gets the terminal's master",
             &options.console_socket});
  flags.Add(
      {"pidfd-socket", '\0', "the socket that gets a pidfd of the process", &options.pidfd_socket});
  flags.Add({"pid-file", '\0', "the file that gets the process id", &options.pid_file});
  flags.Add({"preserve-fds", '\0', "how many descriptors from 3 on the container gets",
             &options.preserve_fds});
  flags.Add({"no-pivot", '\0',
             "chroot(2) instead of pivot_root(2), for a root that is an initramfs",
             &options.no_pivot});
  flags.Add({"no-new-keyring", '\0', "keep the caller's session keyring", &options.no_new_keyring});
}

State StateOf(const Record& record, ContainerStatus status) {
  const bool alive = status != ContainerStatus::kStopped;
  return {.id = record.id,
          .status = std::string(StatusName(status)),
          .pid = alive ? record.init.pid : 0,
          .bundle = record.bundle,
          .annotations = record.annotations};
}

absl::StatusOr<std::vector<int>> PreservedFds(int64_t count) {
  std::vector<int> fds;
  // Ends at the first that is not open, however many are asked for.
  for (int fd = kFirstPreservedFd; fd - kFirstPreservedFd < count; ++fd) {
    // What is closed by execve(2) was opened since this program's own.
    const int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0) {
      return PosixStatus(EBADF, absl::StrCat("--preserve-fds: descriptor ", fd));
    }
    fds.push_back(fd);
  }
  return fds;
}

absl::Status WritePidFile(const std::string& path, pid_t pid) {
  if (path.empty()) return absl::OkStatus();
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  ASSIGN_OR_RETURN(const UniqueFd directory, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  return ReplaceFileAtomically(directory.get(),
                               slash == std::string::npos ? path : path.substr(slash + 1),
                               absl::StrCat(pid), 0644, /*sync=*/false);
}

absl::StatusOr<CreatedContainer> CreateContainer(const Globals& globals,
                                                 const CreateOptions& options,
                                                 const std::string& id, Attachment attachment) {
  // One that is attached has it blocked already.
  if (attachment != Attachment::kAttached) ChangeSignals(SIG_BLOCK);
  security::Caller caller;
  ns::NetworkMaker network;
  ASSIGN_OR_RETURN(Bundle bundle,
                   LoadBundle(globals, caller, options.bundle, options.config, id, network));
  const bool has_process = bundle.spec.process.has_value();
  if (!has_process) {
    // Required not before the start, which looks for itself.
    if (attachment != Attachment::kWaiting) {
      return absl::InvalidArgumentError("config.json: process is required");
    }
    bundle.spec.process.emplace().args = {""};
  }
  RETURN_IF_ERROR(CheckTerminal(bundle, options, attachment));
  if (const std::string warning = DropUnavailableCapabilities(bundle.spec, *bundle.spec.process);
      !warning.empty()) {
    Log(globals, "warning", warning);
  }
  if (bundle.spec.linux_.resources.has_value()) {
    WarnOfKernelMemory(globals, *bundle.spec.linux_.resources);
  }
  CompleteEnvironment([&] { return PasswdIn(bundle.root); }, *bundle.spec.process);
  const ContainerStore store(globals.root);
  const std::optional<std::string> manager = ManagerSocket();
  const int listen_fds =
      AddServiceSockets(manager.has_value() ? store.NotifyFolder(id) : "", bundle.spec);
  // An engine that does not listen is an error before there is a container.
  UniqueFd console_socket;
  if (!options.console_socket.empty()) {
    ASSIGN_OR_RETURN(console_socket, ConnectUnixSocket(options.console_socket, SOCK_STREAM));
  }
  UniqueFd pidfd_socket;
  if (!options.pidfd_socket.empty()) {
    ASSIGN_OR_RETURN(pidfd_socket, ConnectUnixSocket(options.pidfd_socket, SOCK_STREAM));
  }

  ASSIGN_OR_RETURN(UniqueFd claim, store.Claim(id));
  bool has_pid_file = false;
  absl::Cleanup unclaim = [&] {
    store.Remove(id).IgnoreError();
    if (has_pid_file) unlink(options.pid_file.c_str());
  };
  std::optional<NotifySocket> notify;
  if (manager.has_value()) {
    RETURN_IF_ERROR(MakeNotifyFolder(store.NotifyFolder(id)));
    if (attachment != Attachment::kWaiting) {
      ASSIGN_OR_RETURN(notify, NotifySocket::Listen(store.NotifyFolder(id), *manager));
    }
  }
  std::optional<SystemdScope> scope;
  if (bundle.unit.has_value()) {
    RETURN_IF_ERROR(store.NoteUnit(id, bundle.unit->unit));
    ASSIGN_OR_RETURN(SystemdScope started, SystemdScope::Start(*bundle.unit, bundle.spec, caller));
    scope.emplace(std::move(started));
    bundle.cgroup_path = scope->cgroup_path();
  } else if (attachment == Attachment::kWaiting ||
             bundle.cgroup_path != ContainerStore::DefaultCgroup(id)) {
    RETURN_IF_ERROR(store.NoteCgroup(id, bundle.cgroup_path));
  }
  Record record = MakeRecord(bundle, id);
  record.needs_config |= !has_process;

  runtime::LaunchRequest request;
  request.spec = &bundle.spec;
  request.id = id;
  request.bundle = bundle.path;
  request.caller = &caller;
  request.cgroup_path = bundle.cgroup_path;
  if (!scope.has_value()) {
    request.go_without_cgroup = [&](const absl::Status& refused) -> absl::Status {
      RETURN_IF_ERROR(GoWithoutCgroup(globals, caller,
                                      bundle.spec.linux_.resources.value_or(Resources()), refused));
      record.cgroup_path.clear();
      return absl::OkStatus();
    };
  }
  request.adopt_cgroup = scope.has_value();
  // Whoever chose the cgroup may read its counters; nobody looks for them in a default one.
  request.count_usage = !bundle.spec.linux_.cgroups_path.empty();
  request.network_maker = &network;
  // Its terminal and its pidfd are handed on before its program runs.
  request.starts = attachment != Attachment::kWaiting && !bundle.spec.process->terminal &&
                   options.pidfd_socket.empty();
  request.no_pivot = options.no_pivot;
  request.no_new_keyring = options.no_new_keyring;
  ASSIGN_OR_RETURN(request.preserve_fds,
                   PreservedFds(options.preserve_fds.value_or(0) + listen_fds));
  if (attachment == Attachment::kWaiting) request.start_socket = store.StartSocket(id);
  const auto publish = [&]() -> absl::Status {
    claim.Reset();
    RETURN_IF_ERROR(WritePidFile(options.pid_file, record.init.pid));
    has_pid_file = !options.pid_file.empty();
    return absl::OkStatus();
  };
  request.on_created = [&](const runtime::LaunchRequest::Created& created) -> absl::Status {
    record.init = created.process;
    if (created.cgroup != nullptr) {
      record.cgroup_mounts = created.cgroup->OwnTrees().MountInfo();
    }
    if (!store.IsInMemory()) record.init.boot_id = BootId();
    RETURN_IF_ERROR(store.Save(record));
    return created.is_complete ? publish() : absl::OkStatus();
  };
  bool had_a_process = false;
  if (!bundle.spec.hooks.poststop.empty()) {
    request.configure_network = [&had_a_process](const ProcessIdentity&, int) {
      had_a_process = true;
      return absl::OkStatus();
    };
  }
  absl::StatusOr<runtime::LaunchedContainer> launched = runtime::Launch(request);
  absl::Status made = launched.status();
  if (made.ok() && claim) {
    made = publish();
    if (!made.ok()) {
      EndProcess(launched->pidfd());
      if (launched->cgroup() != nullptr) launched->cgroup()->Remove().IgnoreError();
    }
  }
  if (!made.ok()) {
    std::move(unclaim).Invoke();
    if (had_a_process) RunPoststop(globals, bundle.spec.hooks, record);
    return made;
  }
  runtime::LaunchedContainer process = *std::move(launched);
  if (console_socket) {
    RETURN_IF_ERROR(SendConsole(console_socket.get(), process.TakeConsole().get()));
  }
  if (pidfd_socket) RETURN_IF_ERROR(SendPidfd(pidfd_socket.get(), process.pidfd()));
  if (scope.has_value()) scope->Keep();
  std::move(unclaim).Cancel();
  return CreatedContainer{std::move(bundle), std::move(record), std::move(notify),
                          std::move(process)};
}

absl::Status DestroyContainer(const Globals& globals, const ContainerStore& store,
                              const Record& record, const Spec* spec, cgroup::Cgroup* group) {
  if (!record.systemd_unit.empty()) {
    // What systemd would have done is done below where it can't be asked.
    const absl::Status stopped = StopScope(record.systemd_unit);
    if (!stopped.ok()) Log(globals, "warning", stopped.message());
  }
  RETURN_IF_ERROR(RemoveCgroup(globals, record, group));
  if (spec != nullptr && spec->linux_.intel_rdt.has_value()) {
    RETURN_IF_ERROR(runtime::RemoveIntelRdt(*spec->linux_.intel_rdt, record.id));
  }
  RETURN_IF_ERROR(store.Remove(record.id));
  if (spec != nullptr) RunPoststop(globals, spec->hooks, record);
  return absl::OkStatus();
}

}  // namespace tiny::oci
