#include "ns/user_id_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace tiny::ns {
namespace {

// Whoever chose $PATH must not choose what is run.
constexpr const char* kFolders[] = {"/usr/bin/", "/usr/sbin/", "/bin/", "/usr/local/bin/"};
constexpr size_t kMaxWords = 1024;

absl::StatusOr<std::string> FindHelper(absl::string_view name, absl::string_view ids) {
  for (const char* folder : kFolders) {
    std::string path = absl::StrCat(folder, name);
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return WithHint(
      absl::FailedPreconditionError(absl::StrCat("a map of more than one's own ", ids, " needs ",
                                                 name, ", which is not installed")),
      "install the package uidmap, or map one's own id alone");
}

// Runs the helper with its messages in a file in memory, and returns them where it fails.
absl::Status RunHelper(const std::string& path, const std::vector<std::string>& arguments) {
  const UniqueFd words(memfd_create("id-map-helper", MFD_CLOEXEC));
  if (!words) return PosixStatus(errno, "memfd_create");
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (const std::string& text : arguments) argv.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  char* const no_environment[] = {nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const absl::Cleanup destroy = [&] { posix_spawn_file_actions_destroy(&actions); };
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, words.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, words.get(), STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  pid_t helper = 0;
  const int error =
      posix_spawn(&helper, path.c_str(), &actions, nullptr, argv.data(), no_environment);
  if (error != 0) return PosixStatus(error, absl::StrCat("execute ", path));
  int status = 0;
  while (waitpid(helper, &status, 0) < 0) {
    if (errno != EINTR) return PosixStatus(errno, absl::StrCat("wait for ", path));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  std::string text(kMaxWords, '\0');
  const ssize_t size = pread(words.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  for (char& c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return absl::FailedPreconditionError(
      absl::StrCat(path, " fails: ", absl::StripAsciiWhitespace(text)));
}

struct Side {
  const char* ids;        // "uids"
  const char* helper;     // "newuidmap"
  const char* map_file;   // "uid_map"
  const char* allowance;  // "/etc/subuid"
};

absl::Status WriteSide(pid_t pid, const Side& side, const IdMap& map, uint32_t own) {
  if (MapsOnly(map, own)) {
    return WriteControlFile(absl::StrCat("/proc/", pid, "/", side.map_file), FormatIdMap(map));
  }
  ASSIGN_OR_RETURN(const std::string helper, FindHelper(side.helper, side.ids));
  std::vector<std::string> arguments = {absl::StrCat(pid)};
  for (const IdRange& range : map) {
    for (const uint32_t number : {range.inside, range.outside, range.size}) {
      arguments.push_back(absl::StrCat(number));
    }
  }
  return WithHint(RunHelper(helper, arguments),
                  absl::StrCat("may this user map them? ", side.allowance, " says so; ", helper,
                               " has to be setuid root, and this process not under no_new_privs"));
}

}  // namespace

bool MapsOnly(const IdMap& map, uint32_t id) {
  return map.size() == 1 && map[0].size == 1 && map[0].outside == id;
}

absl::Status WriteIdMapsAsUser(pid_t pid, const IdMaps& maps, uid_t uid, gid_t gid) {
  RETURN_IF_ERROR(ValidateIdMap(maps.uids));
  RETURN_IF_ERROR(ValidateIdMap(maps.gids));
  if (maps.deny_setgroups) {
    RETURN_IF_ERROR(WriteControlFile(absl::StrCat("/proc/", pid, "/setgroups"), "deny"));
  }
  RETURN_IF_ERROR(WriteSide(pid, {"gids", "newgidmap", "gid_map", "/etc/subgid"}, maps.gids, gid));
  return WriteSide(pid, {"uids", "newuidmap", "uid_map", "/etc/subuid"}, maps.uids, uid);
}

}  // namespace tiny::ns
