#include "state/record_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "state/config_json.h"
#include "state/state_json.h"

namespace tiny::state {
namespace {

std::string RecordName(const ContainerId& id, absl::string_view file) {
  return absl::StrCat("container ", id.Short(), ": ", file);
}

// One open, read and close for a record of usual size. A fifo or a link in its place is no record.
absl::StatusOr<absl::string_view> ReadRecord(int root, const ContainerId& id, const char* file,
                                             std::string* buffer) {
  const UniqueFd fd(openat(root, absl::StrCat(ContainerPath(id), "/", file).c_str(),
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return PosixStatus(errno, absl::StrCat("open ", RecordName(id, file)));
  if (buffer->size() < 16384) buffer->resize(16384);
  size_t used = 0;
  while (true) {
    const ssize_t count = read(fd.get(), buffer->data() + used, buffer->size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return PosixStatus(errno, absl::StrCat("read ", RecordName(id, file)));
    used += static_cast<size_t>(count);
    if (used < buffer->size()) return absl::string_view(buffer->data(), used);
    if (used > kMaxRecordSize) {
      return absl::DataLossError(absl::StrCat(RecordName(id, file), " is longer than 4 MiB"));
    }
    buffer->resize(buffer->size() * 4);
  }
}

// Says of which record an error of its parser is.
absl::Status Damaged(const absl::Status& status, const ContainerId& id, const char* file) {
  if (status.code() == absl::StatusCode::kFailedPrecondition) {
    return Annotate(status, RecordName(id, file));
  }
  return absl::DataLossError(absl::StrCat(RecordName(id, file), " is damaged: ", status.message()));
}

}  // namespace

std::string ContainerPath(const ContainerId& id) {
  return absl::StrCat(kContainers, "/", id.value());
}

absl::Status NoSuchContainer(absl::string_view reference) {
  return absl::NotFoundError(absl::StrCat("no such container: ", reference.substr(0, 256)));
}

absl::StatusOr<ContainerConfig> ReadConfig(int root, const ContainerId& id, std::string* buffer) {
  const absl::StatusOr<absl::string_view> json = ReadRecord(root, id, kConfigFile, buffer);
  if (!json.ok()) {
    return GetErrno(json.status()) == ENOENT ? NoSuchContainer(id.Short()) : json.status();
  }
  absl::StatusOr<ContainerConfig> config = ConfigFromJson(*json);
  if (!config.ok()) return Damaged(config.status(), id, kConfigFile);
  if (config->id != id.value()) {
    return Damaged(absl::DataLossError("it is another container's"), id, kConfigFile);
  }
  return config;
}

absl::StatusOr<ContainerState> ReadState(int root, const ContainerId& id, std::string* buffer) {
  const absl::StatusOr<absl::string_view> json = ReadRecord(root, id, kStateFile, buffer);
  if (!json.ok()) {
    if (GetErrno(json.status()) == ENOENT) return ContainerState();
    return json.status();
  }
  absl::StatusOr<ContainerState> state = StateFromJson(*json);
  if (!state.ok()) return Damaged(state.status(), id, kStateFile);
  return state;
}

void KeepSpare(int directory) {
  const UniqueFd fd(
      openat(directory, kSpareFile, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  constexpr char kBlock[kSpareSize] = {};
  if (fd && write(fd.get(), kBlock, kSpareSize) != kSpareSize) unlinkat(directory, kSpareFile, 0);
}

absl::Status WriteRecord(int directory, const ContainerId& id, const char* file,
                         absl::string_view json) {
  // One name is enough, as there is one writer; what a crash left of it is written over.
  const std::string temporary = absl::StrCat(".", file, ".new");
  const auto write_and_rename = [&](int flags) -> absl::Status {
    const UniqueFd fd(
        openat(directory, temporary.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC | flags, 0600));
    if (!fd) return PosixStatus(errno, absl::StrCat("write ", RecordName(id, file)));
    RETURN_IF_ERROR(WriteAll(fd.get(), json, RecordName(id, file)));
    if ((flags & O_TRUNC) == 0 && ftruncate(fd.get(), static_cast<off_t>(json.size())) != 0) {
      return PosixStatus(errno, absl::StrCat("truncate ", RecordName(id, file)));
    }
    if (renameat(directory, temporary.c_str(), directory, file) != 0) {
      return PosixStatus(errno, absl::StrCat("replace ", RecordName(id, file)));
    }
    return absl::OkStatus();
  };
  absl::Status status = write_and_rename(O_CREAT | O_TRUNC);
  if (status.ok()) return status;
  const std::optional<int> error = GetErrno(status);
  if ((error == ENOSPC || error == EDQUOT) && json.size() <= kSpareSize &&
      renameat(directory, kSpareFile, directory, temporary.c_str()) == 0) {
    status = write_and_rename(0);
    KeepSpare(directory);  // of the space of what was replaced
  }
  if (!status.ok()) unlinkat(directory, temporary.c_str(), 0);
  return status;
}

absl::Status MakeDirectory(int root, const char* name) {
  if (mkdirat(root, name, 0700) != 0 && errno != EEXIST) {
    return PosixStatus(errno, absl::StrCat("mkdir ", name));
  }
  return absl::OkStatus();
}

void SweepTrash(int root) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectoryAt(root, kTrash);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(kTrash, "/", name);
    const absl::StatusOr<UniqueFd> fd = OpenFileAt(root, path, O_RDONLY | O_NOFOLLOW);
    if (fd.ok() && flock(fd->get(), LOCK_EX | LOCK_NB) == 0) (void)RemoveTreeAt(root, path);
  }
}

}  // namespace tiny::state
