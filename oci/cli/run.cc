#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "base/status_macros.h"
#include "oci/cli/command.h"
#include "oci/cli/container_store.h"
#include "oci/cli/create_container.h"
#include "oci/cli/foreground.h"
#include "oci/cli/log.h"
#include "runtime/hooks/hooks.h"

namespace tiny::oci {
namespace {

absl::Status RunPoststart(const CreatedContainer& container) {
  const Hooks& hooks = container.bundle.spec.hooks;
  if (hooks.poststart.empty()) return absl::OkStatus();
  return runtime::RunHooks("poststart", hooks.poststart,
                           SerializeState(StateOf(container.record, ContainerStatus::kRunning)),
                           container.record.bundle);
}

}  // namespace

absl::StatusOr<int> RunRun(const Globals& globals, Arguments arguments) {
  CreateOptions options;
  bool detach = false;
  bool keep = false;
  bool no_subreaper = false;
  Flags flags;
  AddCreateFlags(flags, options);
  flags.Add({"detach", 'd', "do not wait for its end", &detach});
  flags.Add({"keep", '\0', "do not delete it after its end", &keep});
  flags.Add({"no-subreaper", '\0', "ignored: tiny-oci is none", &no_subreaper});
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, ParseOperands(flags, arguments, 1));

  std::optional<Foreground> foreground;
  if (!detach) foreground.emplace();
  const Attachment attachment = detach ? Attachment::kDetached : Attachment::kAttached;
  ASSIGN_OR_RETURN(CreatedContainer created,
                   CreateContainer(globals, options, operands[0], attachment));
  auto owner = std::make_unique<CreatedContainer>(std::move(created));
  CreatedContainer& container = *owner;
  const ContainerStore store(globals.root);
  absl::Cleanup destroy = [&] {
    const absl::Status status = DestroyContainer(
        globals, store, container.record, &container.bundle.spec, container.process.cgroup());
    if (!status.ok()) LogError(globals, status);
  };
  const UniqueFd console = container.process.TakeConsole();  // none where it was sent away
  absl::Status started = container.process.Start();
  if (started.ok()) {
    // Its memory and descriptors are for the exit of this process to free, all at once.
    static const CreatedContainer* const until_exit = owner.release();
    (void)until_exit;
    started = RunPoststart(container);
  }
  if (!started.ok()) {
    EndProcess(container.process.pidfd());
    if (!options.pid_file.empty()) unlink(options.pid_file.c_str());
    return started;
  }
  NotifySocket* const notify = container.notify.has_value() ? &*container.notify : nullptr;
  if (detach) {
    std::move(destroy).Cancel();
    if (notify != nullptr) {
      AwaitReady(globals, *notify, container.process.pidfd(), container.record.init.pid);
    }
    return 0;
  }
  ASSIGN_OR_RETURN(const int code,
                   foreground->Wait(container.process.pidfd(), console.get(), notify));
  if (keep) std::move(destroy).Cancel();
  return code;
}

}  // namespace tiny::oci
