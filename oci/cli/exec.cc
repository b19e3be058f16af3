#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/unix_socket.h"
#include "cgroup/cgroup.h"
#include "cgroup/hierarchy.h"
#include "fs/rooted_dir.h"
#include "oci/cli/bundle.h"
#include "oci/cli/command.h"
#include "oci/cli/console_socket.h"
#include "oci/cli/container_cgroup.h"
#include "oci/cli/container_store.h"
#include "oci/cli/create_container.h"
#include "oci/cli/environment.h"
#include "oci/cli/foreground.h"
#include "oci/cli/glance.h"
#include "oci/cli/known_seccomp.h"
#include "oci/cli/log.h"
#include "oci/cli/sub_cgroup.h"
#include "oci/spec_parser.h"
#include "oci/spec_validator.h"
#include "runtime/launch/launch.h"

namespace tiny::oci {
namespace {

struct ExecFlags {
  std::string console_socket, pidfd_socket, pid_file, process, cwd, user, apparmor, label;
  std::vector<std::string> env, capabilities, additional_gids, cgroups;
  bool tty = false;
  bool detach = false;
  std::optional<bool> no_new_privileges;
  bool ignore_paused = false;
  std::optional<int64_t> preserve_fds;
};

Flags MakeFlags(ExecFlags& out) {
  Flags flags;
  flags.Add(
      {"console-socket", '\0', "the socket that gets the terminal's master", &out.console_socket});
  flags.Add(
      {"pidfd-socket", '\0', "the socket that gets a pidfd of the process", &out.pidfd_socket});
  flags.Add({"cwd", '\0', "the working folder in the container", &out.cwd});
  flags.Add({"env", 'e', "NAME=value, added to the container's", &out.env});
  flags.Add({"tty", 't', "with a terminal", &out.tty});
  flags.Add({"user", 'u', "uid[:gid]", &out.user});
  flags.Add({"additional-gids", 'g', "one more group", &out.additional_gids});
  flags.Add({"process", 'p', "a file with the whole process", &out.process});
  flags.Add({"detach", 'd', "do not wait for its end", &out.detach});
  flags.Add({"pid-file", '\0', "the file that gets the process id", &out.pid_file});
  flags.Add({"process-label", '\0', "the SELinux label", &out.label});
  flags.Add({"apparmor", '\0', "the AppArmor profile", &out.apparmor});
  flags.Add({"no-new-privs", '\0', "set no_new_privs", &out.no_new_privileges});
  flags.Add({"cap", 'c', "one more capability", &out.capabilities});
  flags.Add({"preserve-fds", '\0', "how many descriptors from 3 on it gets", &out.preserve_fds});
  flags.Add(
      {"cgroup", '\0', "[CONTROLLER,...:]PATH of a cgroup below the container's", &out.cgroups});
  flags.Add({"ignore-paused", '\0', "also in a paused container", &out.ignore_paused});
  return flags;
}

absl::StatusOr<uint32_t> ParseId(absl::string_view flag, absl::string_view text) {
  uint32_t id = 0;
  if (!absl::SimpleAtoi(text, &id) || id == UINT32_MAX || !absl::ascii_isdigit(text[0])) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": \"", text, "\" is not between 0 and 4294967294"));
  }
  return id;
}

absl::Status SetUser(const ExecFlags& in, User& user) {
  if (!in.user.empty()) {
    const std::pair<absl::string_view, absl::string_view> ids =
        absl::StrSplit(in.user, absl::MaxSplits(':', 1));
    ASSIGN_OR_RETURN(user.uid, ParseId("--user", ids.first));
    if (absl::StrContains(in.user, ':')) {
      ASSIGN_OR_RETURN(user.gid, ParseId("--user", ids.second));
    }
  }
  for (const std::string& text : in.additional_gids) {
    ASSIGN_OR_RETURN(const uint32_t gid, ParseId("--additional-gids", text));
    user.additional_gids.push_back(gid);
  }
  return absl::OkStatus();
}

// To bounding, permitted and effective only: what is inheritable would outlive a change of user.
void AddCapabilities(const std::vector<std::string>& names, Process& process) {
  if (names.empty()) return;
  Capabilities& all = process.capabilities ? *process.capabilities : process.capabilities.emplace();
  for (const std::string& name : names) {
    for (std::vector<std::string>* set : {&all.bounding, &all.permitted, &all.effective}) {
      if (std::find(set->begin(), set->end(), name) == set->end()) set->push_back(name);
    }
  }
}

// What confines the container confines a process that does not say otherwise.
void InheritConfinement(const std::optional<Process>& container, Process& process) {
  if (!container) return;
  if (!process.capabilities) process.capabilities = container->capabilities;
  if (process.apparmor_profile.empty()) process.apparmor_profile = container->apparmor_profile;
  if (process.selinux_label.empty()) process.selinux_label = container->selinux_label;
  if (process.rlimits.empty()) process.rlimits = container->rlimits;
}

// The container's own process with what the flags change, or the one of --process.
absl::StatusOr<Process> MakeProcess(const ExecFlags& in, const std::vector<std::string>& args,
                                    const Spec& spec) {
  Process process;
  if (!in.process.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(in.process));
    ASSIGN_OR_RETURN(process, ParseProcess(text));
    if (in.tty) process.terminal = true;
    InheritConfinement(spec.process, process);
  } else {
    process = spec.process.value_or(Process());
    process.args = args;
    process.terminal = in.tty;
    if (!in.cwd.empty()) process.cwd = in.cwd;
    RETURN_IF_ERROR(SetUser(in, process.user));
    process.env.insert(process.env.end(), in.env.begin(), in.env.end());
    if (in.no_new_privileges) process.no_new_privileges = *in.no_new_privileges;
    if (!in.apparmor.empty()) process.apparmor_profile = in.apparmor;
    if (!in.label.empty()) process.selinux_label = in.label;
    AddCapabilities(in.capabilities, process);
  }
  RETURN_IF_ERROR(ValidateProcess(process));
  return process;
}

}  // namespace

absl::StatusOr<int> RunExec(const Globals& globals, Arguments arguments) {
  ExecFlags in;
  ASSIGN_OR_RETURN(std::vector<std::string> operands,
                   MakeFlags(in).Parse(arguments, /*mixed=*/false));
  if (operands.empty() || (operands.size() < 2 && in.process.empty())) {
    return absl::InvalidArgumentError("expected <container-id> <command> [argument...]");
  }
  const std::string id = operands[0];
  operands.erase(operands.begin());
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(const Record record, store.LoadComplete(id));
  const ContainerStatus status = store.StatusOf(record);
  if (status == ContainerStatus::kStopped) {
    return absl::FailedPreconditionError(absl::StrCat("cannot exec in a stopped container: ", id));
  }
  if (status == ContainerStatus::kPaused && !in.ignore_paused) {
    return WithHint(
        absl::FailedPreconditionError(absl::StrCat("cannot exec in a paused container: ", id)),
        "resume it first, or use --ignore-paused");
  }
  ASSIGN_OR_RETURN(const Spec spec, ParseConfig(globals, record.config, GlanceAt(record.config)));
  ASSIGN_OR_RETURN(Process process, MakeProcess(in, operands, spec));
  if (const std::string warning = DropUnavailableCapabilities(spec, process); !warning.empty()) {
    Log(globals, "warning", warning);
  }
  if (process.terminal && in.detach && in.console_socket.empty()) {
    return absl::InvalidArgumentError("a detached process with a terminal needs --console-socket");
  }
  if (!process.terminal && !in.console_socket.empty()) {
    return absl::InvalidArgumentError("--console-socket needs a terminal: --tty");
  }
  UniqueFd console_socket;
  if (!in.console_socket.empty()) {
    ASSIGN_OR_RETURN(console_socket, ConnectUnixSocket(in.console_socket, SOCK_STREAM));
  }
  UniqueFd pidfd_socket;
  if (!in.pidfd_socket.empty()) {
    ASSIGN_OR_RETURN(pidfd_socket, ConnectUnixSocket(in.pidfd_socket, SOCK_STREAM));
  }
  ASSIGN_OR_RETURN(const UniqueFd init, OpenProcess(record.init));
  CompleteEnvironment(
      [&] {
        const auto root = fs::RootedDir::Open(absl::StrCat("/proc/", record.init.pid, "/root"));
        return root.ok() ? PasswdIn(*root) : "";
      },
      process);

  runtime::ExecRequest request;
  request.id = id;
  request.container_pid = record.init.pid;
  request.container_pidfd = init.get();
  request.process = &process;
  request.spec = &spec;
  request.state = StateOf(record, status);
  const auto own_trees = cgroup::Hierarchy::FromMountInfo(record.cgroup_mounts);
  if (own_trees.ok() && in.cgroups.empty() &&
      cgroup::Cgroup::IsAllIn(*own_trees, record.cgroup_path)) {
    request.hierarchy = &*own_trees;
  } else if (store.hierarchy().ok()) {
    request.hierarchy = &*store.hierarchy();
  }
  SubCgroup sub{record.cgroup_path, {}};
  if (!in.cgroups.empty()) {
    RETURN_IF_ERROR(store.hierarchy().status());
    ASSIGN_OR_RETURN(sub, FindSubCgroup(*store.hierarchy(), record.cgroup_path, in.cgroups));
  }
  request.cgroup_path = sub.path;
  for (const UniqueFd& tasks : sub.tasks) request.cgroup_tasks.push_back(tasks.get());
  ASSIGN_OR_RETURN(request.preserve_fds, PreservedFds(in.preserve_fds.value_or(0)));

  // A terminal and a pidfd are handed on before the program runs.
  request.starts = !process.terminal && in.pidfd_socket.empty();
  request.on_created = [&in](pid_t pid) { return WritePidFile(in.pid_file, pid); };

  std::optional<Foreground> foreground;
  if (!in.detach) foreground.emplace();
  ASSIGN_OR_RETURN(runtime::LaunchedContainer started, runtime::LaunchExec(request));
  UniqueFd console = started.TakeConsole();
  if (console_socket) {
    RETURN_IF_ERROR(SendConsole(console_socket.get(), console.get()));
    console.Reset();
  }
  if (pidfd_socket) RETURN_IF_ERROR(SendPidfd(pidfd_socket.get(), started.pidfd()));
  RETURN_IF_ERROR(started.Start());
  if (in.detach) {
    started.Detach();
    return 0;
  }
  const UniqueFd pidfd = started.TakePidfd();
  return foreground->Wait(pidfd.get(), console.get());
}

}  // namespace tiny::oci
