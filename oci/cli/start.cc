#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "oci/cli/bundle.h"
#include "oci/cli/command.h"
#include "oci/cli/container_store.h"
#include "oci/cli/create_container.h"
#include "oci/cli/notify_socket.h"
#include "oci/spec_parser.h"
#include "runtime/hooks/hooks.h"
#include "runtime/launch/launch.h"

namespace tiny::oci {
namespace {

void KillInit(const Record& record) {
  const absl::StatusOr<UniqueFd> process = OpenProcess(record.init);
  if (process.ok()) SendSignal(process->get(), SIGKILL).IgnoreError();
}

// Whether more than the program itself may have failed.
bool StopsWhereItFails(const Spec& spec) {
  return spec.linux_.seccomp.has_value() || !spec.hooks.start_container.empty() ||
         !spec.hooks.poststart.empty();
}

absl::string_view WhyNot(ContainerStatus status) {
  switch (status) {
    case ContainerStatus::kRunning:
      return "cannot start an already running container";
    case ContainerStatus::kPaused:
      return "cannot start a paused container";
    default:
      return "cannot start a container that has stopped";
  }
}

absl::Status Start(const Globals& globals, const Record& record, Spec spec, UniqueFd lock) {
  const ContainerStore store(globals.root);
  const State created = StateOf(record, ContainerStatus::kCreated);
  const std::optional<std::string> manager = ManagerSocket();
  const std::string notify_folder = store.NotifyFolder(record.id);
  std::optional<NotifySocket> notify;
  UniqueFd process;
  if (manager.has_value() && PathExists(notify_folder)) {
    ASSIGN_OR_RETURN(notify, NotifySocket::Listen(notify_folder, *manager));
  }
  if (notify.has_value() || !spec.hooks.start_container.empty()) {
    ASSIGN_OR_RETURN(process, OpenProcess(record.init));
  }
  if (!spec.hooks.start_container.empty()) {
    DropUnavailableCapabilities(spec, *spec.process);
    RETURN_IF_ERROR(
        runtime::RunStartHooks({spec, record.id, created, record.cgroup_path}, process.get()));
  }
  const std::string socket = store.StartSocket(record.id);
  RETURN_IF_ERROR(runtime::StartWaiting(socket, runtime::AgentOf(spec, created)));
  unlink(socket.c_str());
  // Only now, as the specification says: the user's program runs. Others need not wait for what is
  // done meanwhile.
  lock.Reset();
  if (!spec.hooks.poststart.empty()) {
    RETURN_IF_ERROR(runtime::RunHooks("poststart", spec.hooks.poststart,
                                      SerializeState(StateOf(record, ContainerStatus::kRunning)),
                                      record.bundle));
  }
  if (notify.has_value()) AwaitReady(globals, *notify, process.get(), record.init.pid);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> RunStart(const Globals& globals, Arguments arguments) {
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, ParseOperands({}, arguments, 1));
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(UniqueFd lock, store.Lock(operands[0]));
  ASSIGN_OR_RETURN(const Record record, store.Load(operands[0]));
  const ContainerStatus status = store.StatusOf(record);
  if (status != ContainerStatus::kCreated) {
    return absl::FailedPreconditionError(absl::StrCat(WhyNot(status), ": ", record.id));
  }
  Spec spec;
  if (record.needs_config) {
    ASSIGN_OR_RETURN(spec, ParseSpec(record.config));
    if (!spec.process) return absl::FailedPreconditionError("config.json: process is required");
  }
  const absl::Status started = Start(globals, record, spec, std::move(lock));
  // A hook or an agent that fails stops the container; its poststop hooks are those of delete.
  if (!started.ok() && StopsWhereItFails(spec)) KillInit(record);
  RETURN_IF_ERROR(started);
  return 0;
}

}  // namespace tiny::oci
