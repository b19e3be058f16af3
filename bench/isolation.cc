#include "bench/isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace tiny::bench {
namespace {

// Any directory does: the tmpfs over it is seen in this mount namespace only.
constexpr char kScratch[] = "/mnt";

}  // namespace

absl::Status EnterPrivateNamespaces() {
  if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) return PosixStatus(errno, "unshare");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return PosixStatus(errno, "make mounts private");
  }
  if (mount("tmpfs", kScratch, "tmpfs", 0, nullptr) != 0) {
    return PosixStatus(errno, absl::StrCat("mount a tmpfs at ", kScratch));
  }
  return absl::OkStatus();
}

std::string ScratchDirectory() { return kScratch; }

absl::Status MakeBundle(std::string* bundle) {
  *bundle = absl::StrCat(kScratch, "/bundle");
  const std::string bin = absl::StrCat(*bundle, "/rootfs/bin");
  RETURN_IF_ERROR(MakeDirs(bin, 0755));
  ASSIGN_OR_RETURN(const std::string busybox, ReadFile("/bin/busybox"));
  const std::string program = absl::StrCat(bin, "/true");
  ASSIGN_OR_RETURN(const UniqueFd file, OpenFile(program, O_WRONLY | O_CREAT | O_TRUNC, 0755));
  return WriteAll(file.get(), busybox, program);
}

}  // namespace tiny::bench
