#include "init/image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <cstddef>

#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

namespace tiny::init {

extern const unsigned char kStubBytes[];
extern const size_t kStubSize;

absl::string_view StubImage() {
  return absl::string_view(reinterpret_cast<const char*>(kStubBytes), kStubSize);
}

absl::StatusOr<UniqueFd> OpenStub() {
  UniqueFd fd(memfd_create("tiny-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
  // Before Linux 6.3 there is no MFD_EXEC, and every memfd can be executed.
  if (!fd && errno == EINVAL) {
    fd.Reset(memfd_create("tiny-init", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  }
  if (!fd) return PosixStatus(errno, "memfd_create tiny-init");
  RETURN_IF_ERROR(WriteAll(fd.get(), StubImage(), "the init stub"));
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (fcntl(fd.get(), F_ADD_SEALS, kSeals | F_SEAL_EXEC) != 0 &&
      fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return PosixStatus(errno, "seal the init stub");
  }
  return fd;
}

}  // namespace tiny::init
