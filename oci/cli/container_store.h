// The containers of one --root: <root>/<id>/ with the record, and the socket on which a created
// container waits. The record is a file of a line of JSON and a copy of config.json.
//
// From its claim to its first record a container has links to its cgroup and its unit, made before
// these are: whatever is killed, delete finds what there is to undo. Until then only delete knows
// of it, and sees by a lock that dies with the creator whether that still lives.
//
// The copy is there so that kill, delete, exec and the poststop hooks work although the bundle has
// been moved or deleted. Several processes may use one root at once. Thread-compatible.
#ifndef TINY_OCI_CLI_CONTAINER_STORE_H_
#define TINY_OCI_CLI_CONTAINER_STORE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/process.h"
#include "base/unique_fd.h"
#include "cgroup/hierarchy.h"

namespace tiny::oci {

struct Record {
  std::string id;
  std::string oci_version;  // of the configuration
  std::string bundle;
  std::string rootfs;
  std::string cgroup_path;
  std::string cgroup_mounts;  // Hierarchy::MountInfo of the trees that it was made in
  std::string systemd_unit;   // empty: the cgroup was not made by systemd
  std::string owner;
  absl::Time created;
  ProcessIdentity init;
  // Whether it has more than its process to start and to delete: what, the configuration says.
  bool needs_config = false;
  // Whether it has a pid namespace of its own, and so no process of it outlives its first one.
  bool owns_processes = false;
  std::map<std::string, std::string> annotations;
  std::string config;  // the text of config.json
};

enum class ContainerStatus { kCreated, kRunning, kPaused, kStopped };
absl::string_view StatusName(ContainerStatus status);

class ContainerStore {
 public:
  explicit ContainerStore(std::string root) : root_(std::move(root)) {}

  // Makes the folder of a new container, which is being made for as long as the result is open.
  // kInvalidArgument for an id that is no plain name, kAlreadyExists for one in use.
  absl::StatusOr<UniqueFd> Claim(absl::string_view id) const;
  // That of a container whose configuration names none.
  static std::string DefaultCgroup(absl::string_view id);
  // Before the cgroup, or systemd's unit, is made. Empty: there will be none. The default one need
  // not be noted where no process outlives its creator before there is a record.
  absl::Status NoteCgroup(absl::string_view id, const std::string& path) const;
  absl::Status NoteUnit(absl::string_view id, const std::string& unit) const;
  // Once, by the creator.
  absl::Status Save(const Record& record) const;
  absl::Status Remove(absl::string_view id) const;

  // kNotFound: "container does not exist: <id>"; one that was claimed and not yet saved, too.
  // kDataLoss: its record is damaged.
  absl::StatusOr<Record> Load(absl::string_view id) const;
  // For those that go by its process: that of one that is being made may be anywhere yet, and is
  // waited for. kUnavailable where it takes too long.
  absl::StatusOr<Record> LoadComplete(absl::string_view id) const;
  // Of one without a sound record what was noted, and no process. A cgroup that was not noted is
  // the default one, if it is empty. kNotFound as above, if there is nothing of that id at all.
  absl::StatusOr<Record> LoadRemains(absl::string_view id) const;
  // Whether its creator lives and is not done.
  bool IsBeingMade(absl::string_view id) const;
  // Sorted by id.
  absl::StatusOr<std::vector<std::string>> List() const;

  // Those of a POSIX extended regular expression. kInvalidArgument for one that is none.
  absl::StatusOr<std::vector<std::string>> Match(const std::string& pattern) const;

  // For those that change the container. Without `wait` kUnavailable where another has it.
  absl::StatusOr<UniqueFd> Lock(absl::string_view id, bool wait = true) const;

  std::string Directory(absl::string_view id) const;
  // Exists from create to start.
  std::string StartSocket(absl::string_view id) const;
  // Of a container that has a notification socket.
  std::string NotifyFolder(absl::string_view id) const;

  ContainerStatus StatusOf(const Record& record) const;

  // Whether the records go with the machine's run, so that their processes need no boot id.
  bool IsInMemory() const;

  // The machine's, looked at when it is wanted for the first time.
  const absl::StatusOr<cgroup::Hierarchy>& hierarchy() const;

 private:
  bool IsFrozen(const Record& record) const;

  std::string root_;
  mutable std::optional<absl::StatusOr<cgroup::Hierarchy>> hierarchy_;
};

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_CONTAINER_STORE_H_
