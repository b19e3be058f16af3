// Where the records of containers are below the root, and their reading and writing.
// Internal to state/; see state/store.h for the layout and its rules.
#ifndef TINY_STATE_RECORD_FILES_H_
#define TINY_STATE_RECORD_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "state/container_config.h"
#include "state/container_id.h"
#include "state/container_state.h"

namespace tiny::state {

inline constexpr char kContainers[] = "containers";
inline constexpr char kNames[] = "names";
inline constexpr char kTrash[] = "trash";
inline constexpr char kConfigFile[] = "config.json";
inline constexpr char kStateFile[] = "state.json";
inline constexpr char kSpareFile[] = ".spare";
inline constexpr int kSpareSize = 4096;

// "containers/<id>", relative to the root.
std::string ContainerPath(const ContainerId& id);

absl::Status NoSuchContainer(absl::string_view reference);

// Reads a container's record, where `root` is open on the root. `buffer` is for reuse by those who
// read many. kNotFound where there is no such file: for a state that is no error, and gives the
// default. kDataLoss for what cannot be parsed, and for a config with another id.
absl::StatusOr<ContainerConfig> ReadConfig(int root, const ContainerId& id, std::string* buffer);
absl::StatusOr<ContainerState> ReadState(int root, const ContainerId& id, std::string* buffer);

// Sets space aside in the container's directory, so that its end can be recorded on a full disk.
void KeepSpare(int directory);

// Replaces `file` in the container's directory. The caller has the container's lock.
absl::Status WriteRecord(int directory, const ContainerId& id, const char* file,
                         absl::string_view json);

// Deletes what earlier removals did not finish, but not what one is at work on.
void SweepTrash(int root);

// Makes a directory, mode 0700, below the root; ok where there is one.
absl::Status MakeDirectory(int root, const char* name);

}  // namespace tiny::state

#endif  // TINY_STATE_RECORD_FILES_H_
