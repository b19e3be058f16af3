// The init stub as bytes in this program, and as a descriptor to execute.
//
//   ASSIGN_OR_RETURN(const UniqueFd image, OpenStub());
//   execveat(image.get(), "", argv, envp, AT_EMPTY_PATH);
#ifndef TINY_INIT_IMAGE_H_
#define TINY_INIT_IMAGE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::init {

// The ELF file, under 16 KB, static.
absl::string_view StubImage();

// A new memfd (memfd_create(2)) with the stub, close-on-exec and sealed against every change: what
// a container sees as /proc/self/exe of a process that is being started is this, never a file of
// the host (CVE-2019-5736). Errors as PosixStatus. Thread-safe.
absl::StatusOr<UniqueFd> OpenStub();

}  // namespace tiny::init

#endif  // TINY_INIT_IMAGE_H_
