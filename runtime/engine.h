// tiny's containers, as its command line sees them: Docker's verbs without a daemon.
//
// Every method reads and writes the files under EngineOptions and asks the kernel; nothing else
// knows about a container. A reference is a full id, a unique prefix of one, or a name (a name
// wins). Errors: kNotFound "no such container: x"; kFailedPrecondition for the wrong status;
// kAlreadyExists for a name in use; others as PosixStatus. Several processes may use one root at
// once. Thread-compatible.
#ifndef TINY_RUNTIME_ENGINE_H_
#define TINY_RUNTIME_ENGINE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "runtime/files/container_files.h"
#include "state/container_config.h"
#include "state/container_state.h"

namespace tiny::runtime {

struct EngineOptions {
  std::string root = "/var/lib/tiny";
  std::string run_root = "/run/tiny";
};

// Its state was checked against the kernel when it was read.
using Container = state::ContainerRecord;

// How a client is joined to a container's streams.
struct AttachOptions {
  bool stdin_open = false;
  bool stdout_open = true;
  bool stderr_open = true;
  bool signal_proxy = true;
  std::string detach_keys = "ctrl-p,ctrl-q";
};
struct AttachResult {
  bool detached = false;  // by the detach keys
  int exit_code = 0;
  bool output_failed = false;  // some of it could not be written

  // What its client exits with: output that is lost is no success.
  int ClientCode() const { return exit_code == 0 && output_failed ? 1 : exit_code; }
};

struct StopOptions {
  std::optional<int> signal;
  std::optional<int> timeout_seconds;  // -1: for ever
  // Told, in a sentence, what the user should know: that the first process ignores the signal.
  std::function<void(absl::string_view)> note;
};

// `tiny top`: what ps would say, read from /proc of the processes in the container's cgroup.
struct ProcessTable {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
};

// One reading of a running container's counters; rates are the difference of two.
struct StatsSample {
  absl::Time time;
  uint64_t cpu_nanoseconds = 0;  // used, by all cpus together
  int online_cpus = 0;
  uint64_t memory_bytes = 0;  // without the page cache that could be dropped at once
  uint64_t memory_limit = 0;  // the machine's memory where there is none
  uint64_t network_received = 0;
  uint64_t network_sent = 0;
  uint64_t block_read = 0;
  uint64_t block_written = 0;
  uint64_t pids = 0;  // threads
};

struct ExecOptions {
  std::vector<std::string> command;
  std::vector<std::string> env;
  std::string user;
  std::string working_dir;
  bool tty = false;
  bool interactive = false;
  bool detach = false;
  bool privileged = false;
  std::string detach_keys = "ctrl-p,ctrl-q";
};

class Engine {
 public:
  // Makes no folder: what needs one makes it.
  static absl::StatusOr<std::unique_ptr<Engine>> Open(const EngineOptions& options);
  virtual ~Engine() = default;

  // Fills in id, name (where empty) and created_at, checks what can be checked before a start, and
  // claims the name. Nothing is left where it fails. Returns the id. With kStart, Start follows at
  // once and refuses what only it looks at; else that is looked at here, but for what may still
  // come into the root (the program, names of users), and the record survives a power failure, too.
  enum class Next { kStart, kNothing };
  virtual absl::StatusOr<std::string> Create(state::ContainerConfig config, Next next) = 0;
  virtual absl::StatusOr<Container> Inspect(absl::string_view reference) = 0;
  // Calls `visit` with each container as it is read, in no order: a list of thousands need not be
  // in memory. It may move from the container. kActive: only those that are running, paused or
  // restarting, for less than all cost. Damaged records are left out and named in `damaged`, which
  // may be null.
  enum class Which { kAll, kActive };
  virtual absl::Status Visit(Which which, absl::FunctionRef<void(Container&)> visit,
                             std::vector<std::string>* damaged) = 0;
  // All of them, newest first.
  absl::StatusOr<std::vector<Container>> List(std::vector<std::string>* damaged);

  // Starts a created or exited container under a supervisor of its own; returns when the program
  // runs. A running one is left alone.
  virtual absl::Status Start(absl::string_view reference) = 0;
  // Start, with this process's streams attached before the program's first byte. kUnavailable where
  // the container has run and its supervisor was killed, so that its exit code is not known.
  virtual absl::StatusOr<AttachResult> StartAttached(absl::string_view reference,
                                                     const AttachOptions& options) = 0;
  virtual absl::StatusOr<AttachResult> Attach(absl::string_view reference,
                                              const AttachOptions& options) = 0;

  virtual absl::Status Stop(absl::string_view reference, const StopOptions& options) = 0;
  virtual absl::Status Restart(absl::string_view reference, const StopOptions& options) = 0;
  virtual absl::Status Kill(absl::string_view reference, int signal) = 0;
  virtual absl::Status Pause(absl::string_view reference) = 0;
  virtual absl::Status Unpause(absl::string_view reference) = 0;
  virtual absl::StatusOr<int> Wait(absl::string_view reference) = 0;  // the exit code
  virtual absl::Status Remove(absl::string_view reference, bool force, bool volumes) = 0;
  virtual absl::Status Rename(absl::string_view reference, absl::string_view name) = 0;
  virtual absl::Status Update(
      absl::string_view reference,
      const std::function<absl::Status(state::ContainerConfig&)>& change) = 0;

  // The exit code of the process, or 0 at once when detached.
  virtual absl::StatusOr<AttachResult> Exec(absl::string_view reference,
                                            const ExecOptions& options) = 0;

  // network connect and disconnect, and ports published later: of a running container at once, and
  // recorded for its later starts. Of one that does not run they are only recorded.
  virtual absl::Status Connect(absl::string_view reference,
                               const state::NetworkAttachment& attachment) = 0;
  // kNotFound where it is not on that network; with `force` that is ok.
  virtual absl::Status Disconnect(absl::string_view reference, absl::string_view network,
                                  bool force) = 0;
  // Returns them with the host ports that were chosen.
  virtual absl::StatusOr<std::vector<state::PortMapping>> Publish(
      absl::string_view reference, const std::vector<state::PortMapping>& ports) = 0;
  virtual absl::Status Unpublish(absl::string_view reference,
                                 const std::vector<state::PortMapping>& ports) = 0;

  // `options` as ps(1) takes them: none (which is -ef), "-ef", "aux", "-o pid,comm". Columns that
  // /proc does not give are kInvalidArgument.
  virtual absl::StatusOr<ProcessTable> Top(absl::string_view reference,
                                           const std::vector<std::string>& options) = 0;
  virtual absl::StatusOr<StatsSample> Stats(absl::string_view reference) = 0;

  // The root of a container's files as an O_PATH descriptor: a running one's own, or the root that
  // a start would give, with volumes and binds, for as long as the engine is there and opens no
  // other. Paths below it are the container's: use openat2 with RESOLVE_IN_ROOT. To write makes the
  // volumes. kFailedPrecondition for writing to a throw-away root that nobody runs in and that has
  // no volumes; with them, it is read-only.
  enum class RootUse { kRead, kWrite };
  virtual absl::StatusOr<UniqueFd> OpenRoot(absl::string_view reference, RootUse use) = 0;
  // What a container has added, changed and deleted in its root; by path. Nothing for a throw-away
  // root that nobody runs in. kFailedPrecondition where nothing tells it.
  virtual absl::StatusOr<std::vector<Change>> Diff(absl::string_view reference) = 0;

  // Removes what dead containers and killed commands have left. Each command does so for the
  // containers it touches, and List where a run directory tells of it; this looks everywhere.
  virtual absl::Status Sweep() = 0;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_ENGINE_H_
