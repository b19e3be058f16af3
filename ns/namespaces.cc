#include "ns/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace tiny::ns {
namespace {

struct Description {
  Kind kind;
  uint64_t clone_flag;
  absl::string_view proc_name;
  absl::string_view spec_name;
};

constexpr Description kDescriptions[] = {
    {Kind::kUser, CLONE_NEWUSER, "user", "user"},
    {Kind::kMount, CLONE_NEWNS, "mnt", "mount"},
    {Kind::kPid, CLONE_NEWPID, "pid", "pid"},
    {Kind::kNetwork, CLONE_NEWNET, "net", "network"},
    {Kind::kIpc, CLONE_NEWIPC, "ipc", "ipc"},
    {Kind::kUts, CLONE_NEWUTS, "uts", "uts"},
    {Kind::kCgroup, CLONE_NEWCGROUP, "cgroup", "cgroup"},
    {Kind::kTime, CLONE_NEWTIME, "time", "time"},
};

const Description& Describe(Kind kind) { return kDescriptions[static_cast<int>(kind)]; }

}  // namespace

uint64_t CloneFlag(Kind kind) { return Describe(kind).clone_flag; }

absl::string_view ProcName(Kind kind) { return Describe(kind).proc_name; }

std::optional<Kind> KindFromSpec(absl::string_view type) {
  for (const Description& description : kDescriptions) {
    if (description.spec_name == type) return description.kind;
  }
  return std::nullopt;
}

absl::StatusOr<UniqueFd> OpenNamespace(pid_t pid, Kind kind) {
  const bool for_children = kind == Kind::kPid || kind == Kind::kTime;
  return OpenFile(
      absl::StrCat("/proc/", pid, "/ns/", ProcName(kind), for_children ? "_for_children" : ""),
      O_RDONLY);
}

absl::StatusOr<UniqueFd> OpenNamespacePath(absl::string_view path, Kind kind) {
  // Not blocking: the path may be a fifo.
  ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(path, O_RDONLY | O_NONBLOCK));
  const int type = ioctl(fd.get(), NS_GET_NSTYPE);
  if (type < 0 || static_cast<uint64_t>(type) != CloneFlag(kind)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is not a ", Describe(kind).spec_name, " namespace"));
  }
  return fd;
}

bool IsOwnNamespace(int fd, Kind kind) {
  struct stat own;
  struct stat other;
  return stat(absl::StrCat("/proc/self/ns/", Describe(kind).proc_name).c_str(), &own) != 0 ||
         fstat(fd, &other) != 0 || (own.st_dev == other.st_dev && own.st_ino == other.st_ino);
}

absl::StatusOr<bool> SharesNamespace(pid_t pid, Kind kind) {
  struct stat found[2];
  const std::string paths[] = {absl::StrCat("/proc/self/ns/", Describe(kind).proc_name),
                               absl::StrCat("/proc/", pid, "/ns/", Describe(kind).proc_name)};
  for (int i = 0; i < 2; ++i) {
    if (stat(paths[i].c_str(), &found[i]) != 0) {
      if (i == 0 && errno == ENOENT) return true;  // the kernel has none of that kind
      return PosixStatus(errno, absl::StrCat("stat ", paths[i]));
    }
  }
  return found[0].st_dev == found[1].st_dev && found[0].st_ino == found[1].st_ino;
}

}  // namespace tiny::ns
