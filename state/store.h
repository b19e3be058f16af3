// The records of containers on disk, for many processes at once and without a daemon.
//
//   ASSIGN_OR_RETURN(const StateStore store, StateStore::Open("/var/lib/tiny"));
//   ASSIGN_OR_RETURN(LockedContainer container, store.Create(std::move(config)));
//   ContainerState state = container.state();
//   state.status = Status::kRunning;
//   RETURN_IF_ERROR(container.CommitState(state));
//
// Layout below the root, all of mode 0700 and 0600:
//   containers/<id>/config.json  state.json    state.json only once there is something to say
//   names/<name>                               a symbolic link whose text is the id
//   trash/<id>                                 on its way out; later removals finish it
//
// Who may do what. A file is only ever replaced whole by rename(2), so Read, List and Find take no
// lock and never wait. Whoever changes a container holds its lock: flock(2) on its directory. There
// is no lock over all containers. A container exists from the moment that its config.json does;
// its name is claimed before by symlink(2), which exactly one of several creators wins. A claim
// whose creator died, or whose container is gone or has another name, is free again.
//
// Durability. Whatever process is killed, a reader sees the old or the new record, whole. A power
// failure may undo the last seconds; LockedContainer::Sync makes what was committed survive one
// too, and costs a disk flush, which is why a supervisor calls it after its program has started.
//
// Errors: kNotFound "no such container: x"; kAlreadyExists for a name in use; kDataLoss for a
// damaged record (harms no other container; Remove works); kFailedPrecondition for one of a newer
// version; kDeadlineExceeded for a lock not had in time, naming its holder; else PosixStatus.
// Thread-compatible, but a store that was opened before its root existed is not to be shared;
// several StateStores may be open on one root.
#ifndef TINY_STATE_STORE_H_
#define TINY_STATE_STORE_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "state/container_config.h"
#include "state/container_id.h"
#include "state/container_state.h"
#include "state/locked_container.h"

namespace tiny::state {

struct DamagedRecord {
  std::string id;
  absl::Status status;
};

struct Listing {
  std::vector<ContainerRecord> records;  // newest first
  std::vector<DamagedRecord> damaged;
};

class StateStore {
 public:
  // A root that is missing holds nothing. The first Create makes it.
  static absl::StatusOr<StateStore> Open(absl::string_view root);

  // Writes the record of a new container and returns it locked. An empty id or name is generated,
  // and created_at set where it is not.
  absl::StatusOr<LockedContainer> Create(ContainerConfig config) const;

  static constexpr absl::Duration kLockTimeout = absl::Seconds(30);
  absl::StatusOr<LockedContainer> Lock(const ContainerId& id,
                                       absl::Duration timeout = kLockTimeout) const;

  absl::StatusOr<ContainerRecord> Read(const ContainerId& id) const;
  absl::StatusOr<Listing> List() const;
  // Calls `visit` with each record as it is read, in no order: a list of thousands need not be in
  // memory. It may move from the record. kActive is for those that are IsActive alone, and reads no
  // other's config.json. `damaged` may be null.
  enum class Which { kAll, kActive };
  absl::Status Visit(Which which, absl::FunctionRef<void(ContainerRecord&)> visit,
                     std::vector<DamagedRecord>* damaged) const;

  // A full id, a name, or a prefix of exactly one id; a name wins over a prefix. kInvalidArgument
  // for a prefix of several. A container whose record is damaged is found by its id.
  absl::StatusOr<ContainerId> Find(absl::string_view reference) const;

  // Removes a container whose record may be damaged, its name with it.
  absl::Status RemoveDamaged(const ContainerId& id) const;

  // Deletes what creators and removers left that were killed: unfinished directories, trash, and
  // names that are nobody's. Each of them is harmless.
  absl::Status Sweep() const;

  // "<root>/containers/<id>": where the log and the writable layer are kept too.
  std::string Directory(const ContainerId& id) const;
  const std::string& root() const { return root_; }

 private:
  StateStore(std::string root, UniqueFd directory)
      : root_(std::move(root)), directory_(std::move(directory)) {}

  // -1 as long as there is none.
  int Root() const;

  std::string root_;
  mutable UniqueFd directory_;
};

}  // namespace tiny::state

#endif  // TINY_STATE_STORE_H_
