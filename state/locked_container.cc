#include "state/locked_container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "state/config_json.h"
#include "state/name_claims.h"
#include "state/names.h"
#include "state/record_files.h"
#include "state/state_json.h"

namespace tiny::state {
namespace {

absl::Status SyncFile(int directory, const char* name) {
  const absl::StatusOr<UniqueFd> fd = OpenFileAt(directory, name, O_RDONLY);
  if (!fd.ok()) return GetErrno(fd.status()) == ENOENT ? absl::OkStatus() : fd.status();
  if (fsync(fd->get()) != 0) return PosixStatus(errno, absl::StrCat("fsync ", name));
  return absl::OkStatus();
}

}  // namespace

absl::Status LockedContainer::CommitState(ContainerState state) {
  RETURN_IF_ERROR(WriteRecord(directory_.get(), id_, kStateFile, StateToJson(state)));
  state_ = std::move(state);
  return absl::OkStatus();
}

absl::Status LockedContainer::CommitConfig(ContainerConfig config) {
  config.id = config_.id;
  config.name = config_.name;
  RETURN_IF_ERROR(WriteRecord(directory_.get(), id_, kConfigFile, ConfigToJson(config)));
  config_ = std::move(config);
  return absl::OkStatus();
}

absl::Status LockedContainer::Rename(absl::string_view name) {
  RETURN_IF_ERROR(ValidateContainerName(name));
  if (name == config_.name) return absl::OkStatus();
  RETURN_IF_ERROR(ClaimName(root_.get(), name, id_));
  ContainerConfig config = config_;
  config.name = std::string(name);
  const absl::Status status = WriteRecord(directory_.get(), id_, kConfigFile, ConfigToJson(config));
  if (!status.ok()) {
    (void)ReleaseName(root_.get(), name, id_);
    return status;
  }
  std::swap(config_, config);
  return ReleaseName(root_.get(), config.name, id_);
}

absl::Status LockedContainer::Remove() && {
  const std::string path = ContainerPath(id_);
  std::string doomed = absl::StrCat(kTrash, "/", id_.value());
  (void)MakeDirectory(root_.get(), kTrash);
  if (renameat(root_.get(), path.c_str(), root_.get(), doomed.c_str()) != 0) {
    // A full disk may refuse the directory entry. Without its config there is no container either.
    if (unlinkat(directory_.get(), kConfigFile, 0) != 0 && errno != ENOENT) {
      return PosixStatus(errno, absl::StrCat("remove container ", id_.Short()));
    }
    doomed = path;
  }
  RETURN_IF_ERROR(ReleaseName(root_.get(), config_.name, id_));
  RETURN_IF_ERROR(RemoveTreeAt(root_.get(), doomed));
  directory_.Reset();
  SweepTrash(root_.get());
  return absl::OkStatus();
}

absl::Status LockedContainer::Sync() const {
  RETURN_IF_ERROR(SyncFile(directory_.get(), kConfigFile));
  RETURN_IF_ERROR(SyncFile(directory_.get(), kStateFile));
  if (fsync(directory_.get()) != 0) return PosixStatus(errno, absl::StrCat("fsync ", id_.Short()));
  RETURN_IF_ERROR(SyncFile(root_.get(), kContainers));
  return SyncFile(root_.get(), kNames);
}

}  // namespace tiny::state
