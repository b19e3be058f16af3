#include "oci/cli/container_store.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <regex.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/timestamp.h"
#include "cgroup/cgroup.h"
#include "nlohmann/json.hpp"

namespace tiny::oci {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxIdLength = 1024;
constexpr char kCgroupLink[] = "cgroup";
constexpr char kNoCgroup[] = ".";
constexpr char kUnitLink[] = "unit";
constexpr char kRecordFile[] = "record";

// What runc takes: a name of one path component.
bool IsId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxIdLength && id != "." && id != ".." &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '+' || c == '-' || c == '.';
         });
}

absl::Status CheckId(absl::string_view id) {
  if (IsId(id)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("invalid container ID format: \"", id, "\""));
}

absl::Status WriteNewFile(const std::string& path, absl::string_view contents) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  return WriteAll(fd.get(), contents, path);
}

absl::Status NoSuchContainer(absl::string_view id) {
  return absl::NotFoundError(absl::StrCat("container does not exist: ", id));
}

struct flock WholeFile(int16_t type) {
  return {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
}

// A link's text is there whole or not at all, for a single system call.
absl::Status MakeLink(const std::string& text, const std::string& path) {
  if (symlink(text.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return PosixStatus(errno, absl::StrCat("symlink ", path));
}

std::string LinkTarget(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), target, sizeof(target));
  return std::string(target, size > 0 ? static_cast<size_t>(size) : 0);
}

std::string Encode(const Record& record) {
  Json json = {
      {"id", record.id},
      {"ociVersion", record.oci_version},
      {"bundle", record.bundle},
      {"rootfs", record.rootfs},
      {"cgroupPath", record.cgroup_path},
      {"cgroupMounts", record.cgroup_mounts},
      {"systemdUnit", record.systemd_unit},
      {"owner", record.owner},
      {"created", FormatTimestamp(record.created)},
      {"pid", record.init.pid},
      {"startTime", record.init.start_time},
      {"bootId", record.init.boot_id},
      {"needsConfig", record.needs_config},
      {"ownsProcesses", record.owns_processes},
      {"annotations", Json::object()},
  };
  for (const auto& [key, value] : record.annotations) json["annotations"][key] = value;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<Record> Decode(absl::string_view text) {
  const size_t end = text.find('\n');
  if (end == absl::string_view::npos) return absl::DataLossError("record: it is cut short");
  try {
    const Json json = Json::parse(text.begin(), text.begin() + end);
    Record record;
    record.config = std::string(text.substr(end + 1));
    record.id = json.at("id").get<std::string>();
    record.oci_version = json.at("ociVersion").get<std::string>();
    record.bundle = json.at("bundle").get<std::string>();
    record.rootfs = json.at("rootfs").get<std::string>();
    record.cgroup_path = json.at("cgroupPath").get<std::string>();
    record.cgroup_mounts = json.value("cgroupMounts", "");
    record.systemd_unit = json.at("systemdUnit").get<std::string>();
    record.owner = json.at("owner").get<std::string>();
    ASSIGN_OR_RETURN(record.created, ParseTimestamp(json.at("created").get<std::string>()));
    record.init.pid = json.at("pid").get<pid_t>();
    record.init.start_time = json.at("startTime").get<uint64_t>();
    record.init.boot_id = json.at("bootId").get<std::string>();
    record.needs_config = json.at("needsConfig").get<bool>();
    record.owns_processes = json.value("ownsProcesses", false);
    record.annotations = json.at("annotations").get<std::map<std::string, std::string>>();
    return record;
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat("record: ", error.what()));
  }
}

}  // namespace

absl::string_view StatusName(ContainerStatus status) {
  switch (status) {
    case ContainerStatus::kCreated:
      return "created";
    case ContainerStatus::kRunning:
      return "running";
    case ContainerStatus::kPaused:
      return "paused";
    case ContainerStatus::kStopped:
      return "stopped";
  }
  return "unknown";
}

std::string ContainerStore::Directory(absl::string_view id) const {
  return absl::StrCat(root_, "/", id);
}

std::string ContainerStore::StartSocket(absl::string_view id) const {
  return absl::StrCat(root_, "/", id, "/start");
}

std::string ContainerStore::NotifyFolder(absl::string_view id) const {
  return absl::StrCat(root_, "/", id, "/notify");
}

absl::StatusOr<UniqueFd> ContainerStore::Claim(absl::string_view id) const {
  RETURN_IF_ERROR(CheckId(id));
  const std::string directory = Directory(id);
  int made = mkdir(directory.c_str(), 0700);
  if (made != 0 && errno == ENOENT) {
    RETURN_IF_ERROR(MakeDirs(root_, 0700));
    made = mkdir(directory.c_str(), 0700);
  }
  if (made != 0 && errno == EEXIST) {
    return absl::AlreadyExistsError(absl::StrCat("container with given ID already exists: ", id));
  }
  if (made != 0) return PosixStatus(errno, absl::StrCat("mkdir ", directory));
  absl::StatusOr<UniqueFd> claim = OpenFile(directory, O_RDONLY | O_DIRECTORY);
  if (!claim.ok()) {
    rmdir(directory.c_str());
    return claim.status();
  }
  // Unlike one of flock(2), which is the Lock, it can be looked for without being taken. A file
  // system that has none makes no difference but to those who look.
  struct flock lock = WholeFile(F_RDLCK);
  fcntl(claim->get(), F_OFD_SETLK, &lock);
  return claim;
}

bool ContainerStore::IsBeingMade(absl::string_view id) const {
  const absl::StatusOr<UniqueFd> directory = OpenFile(Directory(id), O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return false;
  struct flock lock = WholeFile(F_WRLCK);
  return fcntl(directory->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::string ContainerStore::DefaultCgroup(absl::string_view id) {
  return absl::StrCat("/tiny-oci/", id);
}

absl::Status ContainerStore::NoteCgroup(absl::string_view id, const std::string& path) const {
  return MakeLink(path.empty() ? kNoCgroup : path, absl::StrCat(Directory(id), "/", kCgroupLink));
}

absl::Status ContainerStore::NoteUnit(absl::string_view id, const std::string& unit) const {
  return MakeLink(unit, absl::StrCat(Directory(id), "/", kUnitLink));
}

absl::Status ContainerStore::Save(const Record& record) const {
  const std::string directory = Directory(record.id);
  // Nothing of a container outlives the machine's run, and so no disk is waited for. Until the
  // record has its name the container is unborn.
  const std::string temporary = absl::StrCat(directory, "/.", kRecordFile);
  RETURN_IF_ERROR(WriteNewFile(temporary, absl::StrCat(Encode(record), "\n", record.config)));
  const std::string path = absl::StrCat(directory, "/", kRecordFile);
  if (rename(temporary.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return PosixStatus(errno, absl::StrCat("rename ", temporary));
}

absl::Status ContainerStore::Remove(absl::string_view id) const {
  RETURN_IF_ERROR(CheckId(id));
  const std::string directory = Directory(id);
  // What there is as a rule, without a look at the directory.
  for (const absl::string_view name : {kRecordFile, kCgroupLink}) {
    unlink(absl::StrCat(directory, "/", name).c_str());
    if (rmdir(directory.c_str()) == 0) return absl::OkStatus();
  }
  return RemoveTree(directory);
}

absl::StatusOr<Record> ContainerStore::Load(absl::string_view id) const {
  RETURN_IF_ERROR(CheckId(id));
  const absl::StatusOr<std::string> text =
      ReadRegularFile(absl::StrCat(Directory(id), "/", kRecordFile));
  if (absl::IsNotFound(text.status())) return NoSuchContainer(id);
  if (!text.ok()) return text.status();
  absl::StatusOr<Record> record = Decode(*text);
  if (record.ok()) return record;
  return WithHint(absl::DataLossError(
                      absl::StrCat("container ", id, " is damaged: ", record.status().message())),
                  "delete --force ends and removes it");
}

absl::StatusOr<Record> ContainerStore::LoadComplete(absl::string_view id) const {
  constexpr absl::Duration kPatience = absl::Seconds(10);
  constexpr absl::Duration kPause = absl::Milliseconds(1);
  for (absl::Duration waited; waited < kPatience; waited += kPause) {
    absl::StatusOr<Record> record = Load(id);
    if (!record.ok() || !IsBeingMade(id)) return record;
    absl::SleepFor(kPause);
  }
  return absl::UnavailableError(absl::StrCat("container ", id, " is being made"));
}

absl::StatusOr<Record> ContainerStore::LoadRemains(absl::string_view id) const {
  RETURN_IF_ERROR(CheckId(id));
  if (!PathExists(Directory(id))) return NoSuchContainer(id);
  Record record;
  record.id = std::string(id);
  record.systemd_unit = LinkTarget(absl::StrCat(Directory(id), "/", kUnitLink));
  record.cgroup_path = LinkTarget(absl::StrCat(Directory(id), "/", kCgroupLink));
  if (record.cgroup_path == kNoCgroup) {
    record.cgroup_path.clear();
  } else if (record.cgroup_path.empty() && record.systemd_unit.empty()) {
    record.cgroup_path = DefaultCgroup(id);
    record.owns_processes = true;  // and so none is left: others' are left alone
  }
  return record;
}

absl::StatusOr<std::vector<std::string>> ContainerStore::List() const {
  absl::StatusOr<std::vector<std::string>> names = ListDirectory(root_);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>{};
  if (!names.ok()) return names.status();
  names->erase(std::remove_if(names->begin(), names->end(),
                              [this](const std::string& name) {
                                struct stat info;
                                return !IsId(name) || lstat(Directory(name).c_str(), &info) != 0 ||
                                       !S_ISDIR(info.st_mode);
                              }),
               names->end());
  return names;
}

absl::StatusOr<std::vector<std::string>> ContainerStore::Match(const std::string& pattern) const {
  regex_t regex;
  if (regcomp(&regex, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("\"", pattern, "\" is no regular expression"));
  }
  absl::StatusOr<std::vector<std::string>> ids = List();
  if (ids.ok()) {
    std::erase_if(*ids, [&regex](const std::string& id) {
      return regexec(&regex, id.c_str(), 0, nullptr, 0) != 0;
    });
  }
  regfree(&regex);
  return ids;
}

absl::StatusOr<UniqueFd> ContainerStore::Lock(absl::string_view id, bool wait) const {
  RETURN_IF_ERROR(CheckId(id));
  absl::StatusOr<UniqueFd> directory = OpenFile(Directory(id), O_RDONLY | O_DIRECTORY);
  if (absl::IsNotFound(directory.status())) return NoSuchContainer(id);
  if (!directory.ok()) return directory.status();
  while (flock(directory->get(), wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return absl::UnavailableError(absl::StrCat("container ", id, " is being changed"));
    }
    if (errno != EINTR) return PosixStatus(errno, absl::StrCat("flock ", Directory(id)));
  }
  return directory;
}

bool ContainerStore::IsInMemory() const {
  struct statfs file_system = {};
  return statfs(root_.c_str(), &file_system) == 0 && file_system.f_type == TMPFS_MAGIC;
}

const absl::StatusOr<cgroup::Hierarchy>& ContainerStore::hierarchy() const {
  if (!hierarchy_.has_value()) hierarchy_ = cgroup::Hierarchy::Detect();
  return *hierarchy_;
}

bool ContainerStore::IsFrozen(const Record& record) const {
  using cgroup::Cgroup;
  if (record.cgroup_path.empty()) return false;
  if (const auto own = cgroup::Hierarchy::FromMountInfo(record.cgroup_mounts); own.ok()) {
    const absl::StatusOr<bool> frozen = Cgroup::IsFrozen(*own, record.cgroup_path);
    if (frozen.ok()) return *frozen;
  }
  return hierarchy().ok() && Cgroup::IsFrozen(*hierarchy(), record.cgroup_path).value_or(false);
}

ContainerStatus ContainerStore::StatusOf(const Record& record) const {
  if (record.init.pid == 0 || !OpenProcess(record.init).ok()) return ContainerStatus::kStopped;
  if (IsFrozen(record)) return ContainerStatus::kPaused;
  return PathExists(StartSocket(record.id)) ? ContainerStatus::kCreated : ContainerStatus::kRunning;
}

}  // namespace tiny::oci
