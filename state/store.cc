#include "state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "state/config_json.h"
#include "state/container_lock.h"
#include "state/liveness.h"
#include "state/name_claims.h"
#include "state/names.h"
#include "state/record_files.h"

namespace tiny::state {
namespace {

// Whether the directory that `fd` is open on is still the container's: a removal moves it away.
bool IsInPlace(int root, const ContainerId& id, int fd) {
  struct stat opened;
  struct stat named;
  return fstat(fd, &opened) == 0 &&
         fstatat(root, ContainerPath(id).c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

absl::StatusOr<UniqueFd> OpenContainer(int root, const ContainerId& id) {
  UniqueFd directory(
      openat(root, ContainerPath(id).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (root < 0 || (!directory && errno == ENOENT)) return NoSuchContainer(id.Short());
  if (!directory) return PosixStatus(errno, absl::StrCat("open container ", id.Short()));
  return directory;
}

absl::Status LockDirectory(int root, const ContainerId& id, int fd, absl::Duration timeout) {
  RETURN_IF_ERROR(LockFile(fd, absl::StrCat("container ", id.Short()), timeout));
  return IsInPlace(root, id, fd) ? absl::OkStatus() : NoSuchContainer(id.Short());
}

// Makes the container's directory and locks it. It is nobody's until it has a config.json, and so
// may be swept before it is locked: then it is made again.
absl::StatusOr<UniqueFd> MakeContainer(int root, const ContainerId& id) {
  while (true) {
    if (mkdirat(root, ContainerPath(id).c_str(), 0700) != 0) {
      if (errno == ENOENT) {
        RETURN_IF_ERROR(MakeDirectory(root, kContainers));
        continue;
      }
      return PosixStatus(errno, absl::StrCat("make container ", id.Short()));
    }
    absl::StatusOr<UniqueFd> directory = OpenContainer(root, id);
    absl::Status status = directory.status();
    if (status.ok()) {
      status = LockDirectory(root, id, directory->get(), StateStore::kLockTimeout);
      if (status.ok()) return directory;
    }
    if (status.code() != absl::StatusCode::kNotFound) return status;
  }
}

absl::Status ClaimGeneratedName(int root, const ContainerId& id, std::string* name) {
  for (int attempt = 0;; ++attempt) {
    uint64_t random;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
      return PosixStatus(errno, "getrandom");
    }
    *name = GeneratedName(random, attempt);
    absl::Status status = ClaimName(root, *name, id);
    if (status.code() != absl::StatusCode::kAlreadyExists || attempt == 100) return status;
  }
}

// Deletes what a creator left that died before there was a record.
void SweepUnfinished(int root, const ContainerId& id) {
  const absl::StatusOr<UniqueFd> directory = OpenContainer(root, id);
  if (!directory.ok() || flock(directory->get(), LOCK_EX | LOCK_NB) != 0 ||
      faccessat(directory->get(), kConfigFile, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
      !IsInPlace(root, id, directory->get())) {
    return;
  }
  (void)ReleaseAllNames(root, id);
  (void)RemoveTreeAt(root, ContainerPath(id));
}

}  // namespace

absl::StatusOr<StateStore> StateStore::Open(absl::string_view root) {
  absl::StatusOr<UniqueFd> directory = OpenFile(root, O_PATH | O_DIRECTORY);
  if (!directory.ok() && GetErrno(directory.status()) != ENOENT) return directory.status();
  return StateStore(std::string(root), directory.ok() ? *std::move(directory) : UniqueFd());
}

int StateStore::Root() const {
  if (!directory_) directory_.Reset(open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return directory_.get();
}

std::string StateStore::Directory(const ContainerId& id) const {
  return absl::StrCat(root_, "/", ContainerPath(id));
}

absl::StatusOr<LockedContainer> StateStore::Create(ContainerConfig config) const {
  if (!config.name.empty()) RETURN_IF_ERROR(ValidateContainerName(config.name));
  if (Root() < 0) RETURN_IF_ERROR(MakeDirs(root_, 0700));
  ASSIGN_OR_RETURN(ContainerId id,
                   config.id.empty() ? ContainerId::Generate() : ContainerId::Parse(config.id));
  config.id = id.value();
  if (config.created_at == absl::InfinitePast()) config.created_at = WallNow();
  ASSIGN_OR_RETURN(UniqueFd directory, MakeContainer(Root(), id));
  absl::Status status = config.name.empty() ? ClaimGeneratedName(Root(), id, &config.name)
                                            : ClaimName(Root(), config.name, id);
  if (status.ok()) {
    status = WriteRecord(directory.get(), id, kConfigFile, ConfigToJson(config));
    if (!status.ok()) (void)ReleaseName(Root(), config.name, id);
  }
  if (status.ok()) KeepSpare(directory.get());
  if (!status.ok()) {
    (void)RemoveTreeAt(Root(), ContainerPath(id));
    return status;
  }
  ASSIGN_OR_RETURN(UniqueFd root, OpenFile(root_, O_PATH | O_DIRECTORY));
  LockedContainer container(std::move(root), std::move(directory), std::move(id));
  container.config_ = std::move(config);
  return container;
}

absl::StatusOr<LockedContainer> StateStore::Lock(const ContainerId& id,
                                                 absl::Duration timeout) const {
  ASSIGN_OR_RETURN(UniqueFd directory, OpenContainer(Root(), id));
  RETURN_IF_ERROR(LockDirectory(Root(), id, directory.get(), timeout));
  ASSIGN_OR_RETURN(ContainerRecord record, Read(id));
  ASSIGN_OR_RETURN(UniqueFd root, OpenFile(root_, O_PATH | O_DIRECTORY));
  LockedContainer container(std::move(root), std::move(directory), id);
  container.config_ = std::move(record.config);
  container.state_ = std::move(record.state);
  return container;
}

absl::StatusOr<ContainerRecord> StateStore::Read(const ContainerId& id) const {
  if (Root() < 0) return NoSuchContainer(id.Short());
  std::string buffer;
  ContainerRecord record;
  ASSIGN_OR_RETURN(record.config, ReadConfig(Root(), id, &buffer));
  ASSIGN_OR_RETURN(record.state, ReadState(Root(), id, &buffer));
  return record;
}

absl::StatusOr<Listing> StateStore::List() const {
  Listing listing;
  std::vector<ContainerRecord> records;
  RETURN_IF_ERROR(Visit(
      Which::kAll, [&](ContainerRecord& record) { records.push_back(std::move(record)); },
      &listing.damaged));
  // Each record, which is large, is moved only once.
  std::vector<ContainerRecord*> order;
  order.reserve(records.size());
  for (ContainerRecord& record : records) order.push_back(&record);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->config.created_at > b->config.created_at;
  });
  listing.records.reserve(order.size());
  for (ContainerRecord* record : order) listing.records.push_back(std::move(*record));
  return listing;
}

absl::Status StateStore::Visit(Which which, absl::FunctionRef<void(ContainerRecord&)> visit,
                               std::vector<DamagedRecord>* damaged) const {
  if (Root() < 0) return absl::OkStatus();
  const absl::StatusOr<std::vector<std::string>> names = ListDirectoryAt(Root(), kContainers);
  if (!names.ok()) return GetErrno(names.status()) == ENOENT ? absl::OkStatus() : names.status();
  std::string buffer;
  for (const std::string& name : *names) {
    const absl::StatusOr<ContainerId> id = ContainerId::Parse(name);
    if (!id.ok()) continue;
    absl::StatusOr<ContainerState> state = ReadState(Root(), *id, &buffer);
    if (which == Which::kActive && state.ok() && !IsActive(state->status)) continue;
    absl::StatusOr<ContainerConfig> config = ReadConfig(Root(), *id, &buffer);
    if (absl::IsNotFound(config.status())) {
      SweepUnfinished(Root(), *id);
    } else if (config.ok() && state.ok()) {
      ContainerRecord record = {*std::move(config), *std::move(state)};
      visit(record);
    } else if (damaged != nullptr) {
      damaged->push_back({name, config.ok() ? state.status() : config.status()});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ContainerId> StateStore::Find(absl::string_view reference) const {
  absl::ConsumePrefix(&reference, "/");  // as inspect shows a name
  const auto exists = [&](const ContainerId& id) {
    return faccessat(Root(), absl::StrCat(ContainerPath(id), "/", kConfigFile).c_str(), F_OK,
                     AT_SYMLINK_NOFOLLOW) == 0;
  };
  absl::StatusOr<ContainerId> id = ContainerId::Parse(reference);
  if (id.ok() && exists(*id)) return id;
  if (ValidateContainerName(reference).ok()) {
    id = ReadClaim(Root(), reference);
    if (id.ok() && exists(*id)) return id;
  }
  if (!ContainerId::IsPrefix(reference)) return NoSuchContainer(reference);
  const absl::StatusOr<std::vector<std::string>> names = ListDirectoryAt(Root(), kContainers);
  if (!names.ok()) return NoSuchContainer(reference);
  std::vector<ContainerId> matches;
  for (auto name = std::lower_bound(names->begin(), names->end(), reference);
       name != names->end() && name->compare(0, reference.size(), std::string(reference)) == 0;
       ++name) {
    id = ContainerId::Parse(*name);
    if (id.ok() && exists(*id)) matches.push_back(*std::move(id));
  }
  if (matches.empty()) return NoSuchContainer(reference);
  if (matches.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "ambiguous container id prefix \"", reference, "\": ", matches[0].Short(), ", ",
        matches[1].Short(), matches.size() > 2 ? " and more begin so" : " begin so"));
  }
  return matches[0];
}

absl::Status StateStore::Sweep() const {
  if (Root() < 0) return absl::OkStatus();
  SweepTrash(Root());
  // Which sweeps what is unfinished.
  RETURN_IF_ERROR(Visit(
      Which::kAll, [](const ContainerRecord&) {}, nullptr));
  return SweepNames(Root());
}

absl::Status StateStore::RemoveDamaged(const ContainerId& id) const {
  ASSIGN_OR_RETURN(UniqueFd directory, OpenContainer(Root(), id));
  RETURN_IF_ERROR(LockDirectory(Root(), id, directory.get(), kLockTimeout));
  RETURN_IF_ERROR(ReleaseAllNames(Root(), id));
  ASSIGN_OR_RETURN(UniqueFd root, OpenFile(root_, O_PATH | O_DIRECTORY));
  return LockedContainer(std::move(root), std::move(directory), id).Remove();
}

}  // namespace tiny::state
