#include "state/name_claims.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "state/container_lock.h"
#include "state/record_files.h"

namespace tiny::state {
namespace {

std::string ClaimPath(absl::string_view name) { return absl::StrCat(kNames, "/", name); }

absl::StatusOr<UniqueFd> LockNames(int root) {
  ASSIGN_OR_RETURN(UniqueFd names, OpenFileAt(root, kNames, O_RDONLY | O_DIRECTORY));
  RETURN_IF_ERROR(LockFile(names.get(), "the folder of names", absl::Seconds(30)));
  return names;
}

absl::Status DeleteClaim(int root, absl::string_view name) {
  if (unlinkat(root, ClaimPath(name).c_str(), 0) != 0 && errno != ENOENT) {
    return PosixStatus(errno, absl::StrCat("free the name ", name));
  }
  return absl::OkStatus();
}

// Whether the container's record says that the name is its own. What cannot be read may.
bool MayBeNamed(int root, const ContainerId& id, absl::string_view name) {
  std::string buffer;
  const absl::StatusOr<ContainerConfig> config = ReadConfig(root, id, &buffer);
  if (config.ok()) return config->name == name;
  return config.status().code() != absl::StatusCode::kNotFound;
}

// Frees a name whose claim has become void; kAlreadyExists if it has not.
absl::Status BreakClaim(int root, absl::string_view name) {
  ASSIGN_OR_RETURN(const UniqueFd names, LockNames(root));
  const absl::StatusOr<ContainerId> owner = ReadClaim(root, name);
  if (owner.status().code() == absl::StatusCode::kNotFound) return absl::OkStatus();
  if (owner.status().code() == absl::StatusCode::kDataLoss) return DeleteClaim(root, name);
  RETURN_IF_ERROR(owner.status());
  const absl::Status taken = absl::AlreadyExistsError(
      absl::StrCat("the name \"", name, "\" is in use by container ", owner->Short()));
  const UniqueFd directory(
      openat(root, ContainerPath(*owner).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory && errno != ENOENT) return PosixStatus(errno, ContainerPath(*owner));
  if (directory) {
    if (MayBeNamed(root, *owner, name)) return taken;
    // Being made or renamed, unless nobody has its lock. It is held until the claim is deleted.
    if (flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return taken;
    if (MayBeNamed(root, *owner, name)) return taken;
  }
  return DeleteClaim(root, name);
}

}  // namespace

absl::StatusOr<ContainerId> ReadClaim(int root, absl::string_view name) {
  char target[ContainerId::kLength + 1];
  const ssize_t length = readlinkat(root, ClaimPath(name).c_str(), target, sizeof(target));
  if (length < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return NoSuchContainer(name);
    if (errno != EINVAL) return PosixStatus(errno, absl::StrCat("read the name ", name));
  }
  absl::StatusOr<ContainerId> id =
      ContainerId::Parse(absl::string_view(target, length < 0 ? 0 : static_cast<size_t>(length)));
  if (!id.ok()) return absl::DataLossError(absl::StrCat("the claim of the name ", name));
  return id;
}

absl::Status ClaimName(int root, absl::string_view name, const ContainerId& owner) {
  while (symlinkat(owner.value().c_str(), root, ClaimPath(name).c_str()) != 0) {
    if (errno == ENOENT) {
      RETURN_IF_ERROR(MakeDirectory(root, kNames));
      continue;
    }
    if (errno != EEXIST) return PosixStatus(errno, absl::StrCat("claim the name ", name));
    const absl::StatusOr<ContainerId> claimant = ReadClaim(root, name);
    if (claimant.ok() && *claimant == owner) return absl::OkStatus();
    RETURN_IF_ERROR(BreakClaim(root, name));
  }
  return absl::OkStatus();
}

absl::Status ReleaseName(int root, absl::string_view name, const ContainerId& owner) {
  absl::StatusOr<ContainerId> claimant = ReadClaim(root, name);
  if (!claimant.ok() || *claimant != owner) return absl::OkStatus();
  ASSIGN_OR_RETURN(const UniqueFd names, LockNames(root));
  claimant = ReadClaim(root, name);
  if (!claimant.ok() || *claimant != owner) return absl::OkStatus();
  return DeleteClaim(root, name);
}

absl::Status ReleaseAllNames(int root, const ContainerId& owner) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectoryAt(root, kNames);
  if (!names.ok()) return GetErrno(names.status()) == ENOENT ? absl::OkStatus() : names.status();
  for (const std::string& name : *names) RETURN_IF_ERROR(ReleaseName(root, name, owner));
  return absl::OkStatus();
}

absl::Status SweepNames(int root) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectoryAt(root, kNames);
  if (!names.ok()) return GetErrno(names.status()) == ENOENT ? absl::OkStatus() : names.status();
  for (const std::string& name : *names) {
    const absl::Status status = BreakClaim(root, name);
    if (!status.ok() && status.code() != absl::StatusCode::kAlreadyExists) return status;
  }
  return absl::OkStatus();
}

}  // namespace tiny::state
