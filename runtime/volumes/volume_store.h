// Named and anonymous volumes: directories that outlive containers.
//
//   VolumeStore volumes("/var/lib/tiny");
//   ASSIGN_OR_RETURN(Volume volume, volumes.Create({.name = "data"}));
//   // volume.path: /var/lib/tiny/volumes/data/_data, to be bind-mounted
//
// A volume is <root>/volumes/<name>/ with volume.json and _data. It appears and vanishes by one
// rename, so that a crash leaves either all or nothing of it (and a folder that begins with a dot,
// which the next Prune takes away). Both are logged as events (state/events.h). Several processes
// may use a store at once. Thread-safe.
#ifndef TINY_RUNTIME_VOLUMES_VOLUME_STORE_H_
#define TINY_RUNTIME_VOLUMES_VOLUME_STORE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "fs/rooted_dir.h"

namespace tiny::runtime {

struct Volume {
  std::string name;
  std::string path;  // of its files on the host
  absl::Time created_at;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> options;  // driver options, as given
  bool anonymous = false;
};

struct CreateVolumeOptions {
  std::string name;  // empty: 64 hex digits, and anonymous
  std::map<std::string, std::string> labels;
  // Of Docker's local driver: only {type: none, o: bind, device: <folder>} is supported, a volume
  // whose files are in that folder; others are kUnimplemented.
  std::map<std::string, std::string> options;
};

// [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 255 characters.
bool IsValidVolumeName(absl::string_view name);

class VolumeStore {
 public:
  explicit VolumeStore(absl::string_view root);

  // A volume that is there already is returned as it is. kInvalidArgument for a bad name.
  absl::StatusOr<Volume> Create(const CreateVolumeOptions& options);

  // kNotFound "no such volume: x".
  absl::StatusOr<Volume> Inspect(absl::string_view name) const;

  // By name. Damaged ones are left out and named in `damaged`, if given.
  absl::StatusOr<std::vector<Volume>> List(std::vector<std::string>* damaged = nullptr) const;

  // Who makes or takes a volume for a container holds this until the container's record, which
  // names it, is written: nobody removes a volume meanwhile for want of users. Any number may hold
  // it.
  absl::StatusOr<UniqueFd> LockForUse() const;

  // Who uses a volume is known to the caller: the ids of the containers that do, or nothing. It is
  // asked while nobody has a LockForUse, and so must not do what takes one: start a container, or
  // remove one with its volumes.
  using UsersOf =
      absl::FunctionRef<absl::StatusOr<std::vector<std::string>>(absl::string_view name)>;

  // kFailedPrecondition while containers use it, kNotFound (unless `force`) where there is none.
  absl::Status Remove(absl::string_view name, bool force, UsersOf users_of);

  // Removes one that a container had for itself alone, for whoever has that container's lock.
  absl::Status RemoveOwn(absl::string_view name);

  // Removes those that `wants` says and nobody uses. Returns their names.
  absl::StatusOr<std::vector<std::string>> Prune(absl::FunctionRef<bool(const Volume&)> wants,
                                                 UsersOf users_of);

  // Fills the empty volume with what `destination` holds in a container's root file system, as a
  // container does when it first uses a volume: contents, owners, modes. A volume that has files,
  // and a destination that is not there, are left alone. Nothing outside of the root is read, and
  // no two processes fill one volume at once.
  absl::Status FillFrom(const Volume& volume, const fs::RootedDir& root,
                        absl::string_view destination);

 private:
  absl::StatusOr<std::string> Hide(absl::string_view name) const;

  std::string root_;
  std::string directory_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_VOLUMES_VOLUME_STORE_H_
