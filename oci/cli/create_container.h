// What create and run have in common: from a bundle to a container that waits for its start.
#ifndef TINY_OCI_CLI_CREATE_CONTAINER_H_
#define TINY_OCI_CLI_CREATE_CONTAINER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cgroup/cgroup.h"
#include "oci/cli/bundle.h"
#include "oci/cli/command.h"
#include "oci/cli/container_store.h"
#include "oci/cli/flags.h"
#include "oci/cli/notify_socket.h"
#include "oci/state.h"
#include "runtime/launch/launch.h"

namespace tiny::oci {

struct CreateOptions {
  std::string bundle;
  std::string config;
  std::string console_socket;
  std::string pidfd_socket;
  std::string pid_file;
  std::optional<int64_t> preserve_fds;
  bool no_pivot = false;
  bool no_new_keyring = false;
};
void AddCreateFlags(Flags& flags, CreateOptions& options);

struct CreatedContainer {
  Bundle bundle;
  Record record;
  std::optional<NotifySocket> notify;  // of one that this process starts
  runtime::LaunchedContainer process;
};

// Who starts the container, and who has its terminal.
enum class Attachment {
  kWaiting,   // another process starts it, through the store's start socket: create
  kDetached,  // this one, which then leaves it: run --detach
  kAttached,  // this one, which stays: run
};

// One that this process starts runs when it returns, unless something of it has to be handed on
// first: LaunchedContainer::Start. The pid file is written before it returns. Nothing is left where
// it fails. The terminal of one that is not attached, or that has a console socket, is there
// already.
absl::StatusOr<CreatedContainer> CreateContainer(const Globals& globals,
                                                 const CreateOptions& options,
                                                 const std::string& id, Attachment attachment);

// Removes a stopped container: cgroup, record, and then the poststop hooks of `spec` if there is
// one. Kills what is left of it. `group` is its cgroup as its creator holds it; nullptr: found by
// the record.
absl::Status DestroyContainer(const Globals& globals, const ContainerStore& store,
                              const Record& record, const Spec* spec, cgroup::Cgroup* group);

// Kills and reaps a container's process: of one whose start has failed once it ran.
void EndProcess(int pidfd);

// Waits for a service that runs already: that its manager can't be told is no reason to end it.
void AwaitReady(const Globals& globals, NotifySocket& notify, int pidfd, pid_t pid);

// Limits of kernel memory are ignored, and not in silence.
void WarnOfKernelMemory(const Globals& globals, const Resources& resources);

// The state that hooks get and that `state` shows.
State StateOf(const Record& record, ContainerStatus status);

// Those that --preserve-fds and LISTEN_FDS count, which follow each other from 3 on; an error for
// one that is not open.
absl::StatusOr<std::vector<int>> PreservedFds(int64_t count);

// Writes a pid for an engine, which must never read half of it.
absl::Status WritePidFile(const std::string& path, pid_t pid);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_CREATE_CONTAINER_H_
