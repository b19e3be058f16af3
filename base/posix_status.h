// absl::Status for failed system calls: the operation and its object, the errno, and a hint.
//
//   return PosixStatus(errno, absl::StrCat("mount proc on ", target));
//     // "mount proc on /proc: operation not permitted (EPERM)"
#ifndef TINY_BASE_POSIX_STATUS_H_
#define TINY_BASE_POSIX_STATUS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tiny {

// The status of a failed operation, with the code of absl::ErrnoToStatus. As that mapping is lossy
// (EPERM, EACCES and EROFS all give kPermissionDenied) the errno itself is kept as a payload.
absl::Status PosixStatus(int error_number, absl::string_view what);

// The errno kept by PosixStatus, or nothing.
std::optional<int> GetErrno(const absl::Status& status);

// "EPERM" for EPERM; "E<number>" for an unknown one.
std::string ErrnoName(int error_number);

// The status with `hint`, a sentence that tells the user how to mend it, kept as a payload.
// A status that is ok, or has a hint already, is returned as it is.
absl::Status WithHint(absl::Status status, absl::string_view hint);

// The hint, or an empty string.
std::string GetHint(const absl::Status& status);

// The status with `context`: before its message, and payloads kept. An ok status stays ok.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

}  // namespace tiny

#endif  // TINY_BASE_POSIX_STATUS_H_
