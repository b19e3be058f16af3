#include "runtime/volumes/volume_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/random_id.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "fs/copy_tree.h"
#include "runtime/volumes/volume_json.h"
#include "state/events.h"

namespace tiny::runtime {
namespace {

constexpr char kRecord[] = "volume.json";
constexpr char kData[] = "_data";
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

bool IsTemporary(absl::string_view name) { return absl::StartsWith(name, "."); }

absl::Status CheckOptions(const std::map<std::string, std::string>& options) {
  if (options.empty()) return absl::OkStatus();
  const auto value = [&](const char* key) {
    const auto found = options.find(key);
    return found == options.end() ? std::string() : found->second;
  };
  if (value("o") != "bind" || (value("type") != "none" && value("type") != "bind") ||
      value("device").empty() || options.size() != 3) {
    return WithHint(absl::UnimplementedError("volume: these driver options are not supported"),
                    "Supported are type=none, o=bind, device=<folder>.");
  }
  if (value("device")[0] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("volume: device ", value("device"), " is not an absolute path"));
  }
  return absl::OkStatus();
}

std::string DataPath(const std::string& directory, const Volume& volume) {
  const auto device = volume.options.find("device");
  if (device != volume.options.end()) return device->second;
  return absl::StrCat(directory, "/", volume.name, "/", kData);
}

absl::StatusOr<Volume> ReadVolume(const std::string& directory, absl::string_view name) {
  const std::string folder = absl::StrCat(directory, "/", name);
  absl::StatusOr<std::string> text = ReadFile(absl::StrCat(folder, "/", kRecord), 1 << 20);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(absl::StrCat("no such volume: ", name));
  }
  RETURN_IF_ERROR(text.status());
  absl::StatusOr<Volume> volume = ParseVolume(*text);
  if (!volume.ok()) return Annotate(volume.status(), absl::StrCat("volume ", name));
  volume->name = std::string(name);
  volume->path = DataPath(directory, *volume);
  return volume;
}

absl::Status NoSuchVolume(absl::string_view name) {
  return absl::NotFoundError(absl::StrCat("no such volume: ", absl::CEscape(name)));
}

// Shared by those who have temporary folders in it or a use for a volume, exclusive for who removes
// the folders of the dead, or volumes without users.
absl::StatusOr<UniqueFd> LockDirectory(const std::string& directory, int operation) {
  ASSIGN_OR_RETURN(UniqueFd lock, OpenFile(directory, kDirectory));
  if (flock(lock.get(), operation) != 0) {
    return PosixStatus(errno, absl::StrCat("flock ", directory));
  }
  return lock;
}

// A log that can't be written fails nothing.
void LogVolumeEvent(const std::string& root, absl::string_view action, absl::string_view name) {
  state::Event event;
  event.type = "volume";
  event.action = std::string(action);
  event.id = std::string(name);
  event.attributes = {{"driver", "local"}};
  state::AppendEvents(root, {std::move(event)}).IgnoreError();
}

// What creators and removers left that were killed.
void SweepTemporaries(const std::string& directory) {
  const absl::StatusOr<UniqueFd> lock = LockDirectory(directory, LOCK_EX | LOCK_NB);
  if (!lock.ok()) return;  // somebody is at it: the next one does it
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (IsTemporary(name)) RemoveTree(absl::StrCat(directory, "/", name)).IgnoreError();
  }
}

}  // namespace

bool IsValidVolumeName(absl::string_view name) {
  return !name.empty() && name.size() <= 255 && absl::ascii_isalnum(name[0]) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
         });
}

VolumeStore::VolumeStore(absl::string_view root)
    : root_(root), directory_(absl::StrCat(root, "/volumes")) {}

absl::StatusOr<Volume> VolumeStore::Create(const CreateVolumeOptions& options) {
  Volume volume;
  volume.name = options.name;
  volume.anonymous = volume.name.empty();
  if (volume.anonymous) {
    ASSIGN_OR_RETURN(volume.name, RandomId());
  } else if (!IsValidVolumeName(volume.name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid volume name \"", absl::CEscape(volume.name),
                     "\": only [a-zA-Z0-9][a-zA-Z0-9_.-]* is allowed"));
  } else if (absl::StatusOr<Volume> existing = ReadVolume(directory_, volume.name);
             existing.ok() || !absl::IsNotFound(existing.status())) {
    return existing;
  }
  RETURN_IF_ERROR(CheckOptions(options.options));
  volume.labels = options.labels;
  volume.options = options.options;
  volume.created_at = absl::Now();

  RETURN_IF_ERROR(MakeDirs(directory_, 0700));
  ASSIGN_OR_RETURN(const UniqueFd lock, LockDirectory(directory_, LOCK_SH));
  ASSIGN_OR_RETURN(const std::string serial, RandomId());
  const std::string temporary = absl::StrCat(directory_, "/.new-", serial);
  const std::string final_name = absl::StrCat(directory_, "/", volume.name);
  const auto make = [&]() -> absl::Status {
    const std::string data = absl::StrCat(temporary, "/", kData);
    if (mkdir(temporary.c_str(), 0700) != 0 || mkdir(data.c_str(), 0755) != 0 ||
        chmod(data.c_str(), 0755) != 0) {
      return PosixStatus(errno, absl::StrCat("mkdir ", data));
    }
    ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(temporary, kDirectory));
    RETURN_IF_ERROR(ReplaceFileAtomically(fd.get(), kRecord, SerializeVolume(volume), 0600));
    // A folder with files in it is not replaced: whoever was first has made it.
    if (rename(temporary.c_str(), final_name.c_str()) == 0) {
      LogVolumeEvent(root_, "create", volume.name);
    } else if (errno != ENOTEMPTY && errno != EEXIST) {
      return PosixStatus(errno, absl::StrCat("rename ", temporary));
    }
    return absl::OkStatus();
  };
  const absl::Status made = make();
  RemoveTree(temporary).IgnoreError();  // Prune does, else
  RETURN_IF_ERROR(made);
  if (!volume.anonymous) return ReadVolume(directory_, volume.name);
  // Nobody else has made that one, and nobody would find it if reading it failed.
  volume.path = DataPath(directory_, volume);
  return volume;
}

absl::StatusOr<Volume> VolumeStore::Inspect(absl::string_view name) const {
  if (!IsValidVolumeName(name)) {
    return absl::NotFoundError(absl::StrCat("no such volume: ", absl::CEscape(name)));
  }
  return ReadVolume(directory_, name);
}

absl::StatusOr<std::vector<Volume>> VolumeStore::List(std::vector<std::string>* damaged) const {
  std::vector<Volume> volumes;
  absl::StatusOr<std::vector<std::string>> names = ListDirectory(directory_);
  if (absl::IsNotFound(names.status())) return volumes;
  RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    if (IsTemporary(name)) continue;
    absl::StatusOr<Volume> volume = ReadVolume(directory_, name);
    if (volume.ok()) {
      volumes.push_back(*std::move(volume));
    } else if (damaged != nullptr) {
      damaged->push_back(absl::IsNotFound(volume.status())
                             ? absl::StrCat("volume ", name, ": its ", kRecord, " is missing")
                             : std::string(volume.status().message()));
    }
  }
  return volumes;
}

absl::StatusOr<UniqueFd> VolumeStore::LockForUse() const {
  absl::StatusOr<UniqueFd> lock = LockDirectory(directory_, LOCK_SH);
  if (!absl::IsNotFound(lock.status())) return lock;
  RETURN_IF_ERROR(MakeDirs(directory_, 0700));
  return LockDirectory(directory_, LOCK_SH);
}

// From here on nobody finds it, though its files may take a while to go: the folder that they are
// in now.
absl::StatusOr<std::string> VolumeStore::Hide(absl::string_view name) const {
  ASSIGN_OR_RETURN(const std::string serial, RandomId());
  const std::string folder = absl::StrCat(directory_, "/", name);
  std::string temporary = absl::StrCat(directory_, "/.old-", serial);
  if (rename(folder.c_str(), temporary.c_str()) != 0) {
    if (errno == ENOENT) return NoSuchVolume(name);
    return PosixStatus(errno, absl::StrCat("rename ", folder));
  }
  LogVolumeEvent(root_, "destroy", name);
  return temporary;
}

absl::Status VolumeStore::Remove(absl::string_view name, bool force, UsersOf users_of) {
  if (!IsValidVolumeName(name) || !PathExists(absl::StrCat(directory_, "/", name))) {
    return force ? absl::OkStatus() : NoSuchVolume(name);
  }
  ASSIGN_OR_RETURN(const UniqueFd lock, LockDirectory(directory_, LOCK_EX));
  ASSIGN_OR_RETURN(const std::vector<std::string> users, users_of(name));
  if (!users.empty()) {
    return WithHint(absl::FailedPreconditionError(absl::StrCat("volume ", name, " is in use by ",
                                                               absl::StrJoin(users, ", "))),
                    "Remove these containers first.");
  }
  const absl::StatusOr<std::string> hidden = Hide(name);
  if (absl::IsNotFound(hidden.status()) && force) return absl::OkStatus();
  RETURN_IF_ERROR(hidden.status());
  flock(lock.get(), LOCK_SH);
  return RemoveTree(*hidden);
}

absl::Status VolumeStore::RemoveOwn(absl::string_view name) {
  if (!IsValidVolumeName(name)) return absl::OkStatus();
  const absl::StatusOr<UniqueFd> lock = LockDirectory(directory_, LOCK_SH);
  if (absl::IsNotFound(lock.status())) return absl::OkStatus();
  RETURN_IF_ERROR(lock.status());
  const absl::StatusOr<std::string> hidden = Hide(name);
  if (absl::IsNotFound(hidden.status())) return absl::OkStatus();
  RETURN_IF_ERROR(hidden.status());
  return RemoveTree(*hidden);
}

absl::StatusOr<std::vector<std::string>> VolumeStore::Prune(
    absl::FunctionRef<bool(const Volume&)> wants, UsersOf users_of) {
  std::vector<std::string> removed;
  SweepTemporaries(directory_);
  const absl::StatusOr<UniqueFd> lock = LockDirectory(directory_, LOCK_EX);
  if (absl::IsNotFound(lock.status())) return removed;
  RETURN_IF_ERROR(lock.status());
  ASSIGN_OR_RETURN(const std::vector<Volume> volumes, List());
  std::vector<std::string> folders;
  for (const Volume& volume : volumes) {
    if (!wants(volume)) continue;
    ASSIGN_OR_RETURN(const std::vector<std::string> users, users_of(volume.name));
    if (!users.empty()) continue;
    const absl::StatusOr<std::string> hidden = Hide(volume.name);
    if (absl::IsNotFound(hidden.status())) continue;
    RETURN_IF_ERROR(hidden.status());
    folders.push_back(*hidden);
    removed.push_back(volume.name);
  }
  flock(lock->get(), LOCK_SH);
  for (const std::string& folder : folders) RETURN_IF_ERROR(RemoveTree(folder));
  return removed;
}

absl::Status VolumeStore::FillFrom(const Volume& volume, const fs::RootedDir& root,
                                   absl::string_view destination) {
  ASSIGN_OR_RETURN(const UniqueFd data, OpenFile(volume.path, O_RDONLY | O_DIRECTORY));
  ASSIGN_OR_RETURN(const std::vector<std::string> held, ListDirectoryAt(data.get(), "."));
  if (!held.empty()) return absl::OkStatus();
  absl::StatusOr<UniqueFd> source = root.OpenIn(destination, O_RDONLY | O_DIRECTORY);
  if (absl::IsNotFound(source.status()) || GetErrno(source.status()) == ENOTDIR) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(source.status());
  // Locks the volume's directory, and looks again: another container may have been faster.
  if (flock(data.get(), LOCK_EX) != 0) return PosixStatus(errno, "flock the volume");
  ASSIGN_OR_RETURN(const std::vector<std::string> still, ListDirectoryAt(data.get(), "."));
  if (!still.empty()) return absl::OkStatus();
  return Annotate(fs::CopyDirectoryContents(source->get(), data.get(), {}),
                  absl::StrCat("fill volume ", volume.name));
}

}  // namespace tiny::runtime
