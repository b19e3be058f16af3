#include "bench/work_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

extern char** environ;

namespace tiny::bench {
namespace {

// The default bundle of `runc spec`, less what a benchmark's payload has no use for.
constexpr absl::string_view kConfig = R"({
  "ociVersion": "1.0.2",
  "process": {
    "user": {"uid": 0, "gid": 0}, "args": ["/bin/true"], "cwd": "/",
    "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "noNewPrivileges": true,
    "capabilities": {
      "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]},
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}]},
  "root": {"path": "../rootfs", "readonly": true},
  "hostname": "bench",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
     "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["nosuid", "noexec", "nodev", "ro"]}],
  "linux": {
    "resources": {"devices": [{"allow": false, "access": "rwm"}]},
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                   {"type": "mount"}],
    "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware",
                    "/proc/scsi"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]}
}
)";

absl::Status WriteFile(const std::string& path, absl::string_view contents, mode_t mode) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, mode));
  return WriteAll(fd.get(), contents, path);
}

absl::StatusOr<std::string> MakeFolder(absl::string_view parent) {
  std::string path = absl::StrCat(parent, "/tiny-bench.XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return PosixStatus(errno, absl::StrCat("mkdtemp ", path));
  return path;
}

}  // namespace

std::string WorkPlace::Program(absl::string_view label) {
  char self[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
  const absl::string_view path(self, length > 0 ? static_cast<size_t>(length) : 0);
  // <bin>/bench/x, whose neighbour is <bin>/cli/tiny; runfiles hold links to the same files. On the
  // second machine the program lies beside the folders instead.
  const size_t bench = path.rfind("/bench/");
  const absl::string_view bin =
      path.substr(0, bench != absl::string_view::npos ? bench : path.rfind('/'));
  return absl::StrCat(bin, "/", label);
}

absl::StatusOr<WorkPlace> WorkPlace::Make() {
  WorkPlace place;
  const char* parent = getenv("TMPDIR");
  ASSIGN_OR_RETURN(place.path_, MakeFolder(parent != nullptr ? parent : "/tmp"));
  ASSIGN_OR_RETURN(place.run_path_, MakeFolder("/dev/shm"));
  for (const char* folder : {"bin", "dev", "etc", "proc", "sys", "tmp"}) {
    RETURN_IF_ERROR(MakeDirs(absl::StrCat(place.rootfs(), "/", folder), 0755));
  }
  RETURN_IF_ERROR(MakeDirs(place.bundle(), 0755));
  ASSIGN_OR_RETURN(const std::string payload, ReadFile(Program("bench/payload")));
  for (const char* name : {"true", "wait-for-term"}) {
    RETURN_IF_ERROR(WriteFile(absl::StrCat(place.rootfs(), "/bin/", name), payload, 0755));
  }
  RETURN_IF_ERROR(WriteFile(absl::StrCat(place.bundle(), "/config.json"), kConfig, 0644));
  return place;
}

WorkPlace::~WorkPlace() {
  for (const std::string& path : {path_, run_path_}) {
    if (!path.empty()) (void)RemoveTree(path);
  }
}

std::vector<std::string> WorkPlace::Tiny(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {Program("cli/tiny"), "--root", Path("state"), "--run-root",
                                      run_path_ + "/tiny"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

std::vector<std::string> WorkPlace::TinyOci(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {Program("oci/cli/tiny-oci"), "--root", run_path_ + "/oci"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

absl::StatusOr<int> RunCommand(const std::vector<std::string>& argv) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int fd = 0; fd < 3; ++fd) {
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  }
  pid_t pid;
  const int error = posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return PosixStatus(error, absl::StrCat("start ", argv[0]));
  int status;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return PosixStatus(errno, "wait for a command");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace tiny::bench
