// One container's record, held for changing: got from StateStore::Create and StateStore::Lock.
//
// The lock is flock(2) on the container's directory. It ends when the object does, or with the
// process that holds it; a forked child shares it, and it then lasts until both have let go.
// Thread-compatible.
#ifndef TINY_STATE_LOCKED_CONTAINER_H_
#define TINY_STATE_LOCKED_CONTAINER_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "state/container_config.h"
#include "state/container_id.h"
#include "state/container_state.h"

namespace tiny::state {

class LockedContainer {
 public:
  LockedContainer(LockedContainer&&) = default;
  LockedContainer& operator=(LockedContainer&&) = default;

  const ContainerId& id() const { return id_; }
  const ContainerConfig& config() const { return config_; }
  const ContainerState& state() const { return state_; }
  int directory() const { return directory_.get(); }  // open for reading, as for openat(2)

  // Replaces a record. On an error the old one stands, on disk and here. CommitConfig keeps the
  // name and the id: Rename changes the name.
  absl::Status CommitState(ContainerState state);
  absl::Status CommitConfig(ContainerConfig config);

  // kAlreadyExists where the name is another container's.
  absl::Status Rename(absl::string_view name);

  // Takes the container out of sight at once, then frees its name and deletes its files. Needs no
  // disk space. A crash in between leaves rubbish which the next removal sweeps.
  absl::Status Remove() &&;

  // Flushes what was committed to the disk.
  absl::Status Sync() const;

 private:
  friend class StateStore;
  LockedContainer(UniqueFd root, UniqueFd directory, ContainerId id)
      : root_(std::move(root)), directory_(std::move(directory)), id_(std::move(id)) {}

  UniqueFd root_;
  UniqueFd directory_;  // carries the lock
  ContainerId id_;
  ContainerConfig config_;
  ContainerState state_;
};

}  // namespace tiny::state

#endif  // TINY_STATE_LOCKED_CONTAINER_H_
