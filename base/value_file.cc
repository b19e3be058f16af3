#include "base/value_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny {

absl::StatusOr<std::string> ReadValueAt(int directory, absl::string_view path) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenFileAt(directory, path, O_RDONLY));
  char text[4096];
  ssize_t count;
  do {
    count = read(fd.get(), text, sizeof(text));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return PosixStatus(errno, absl::StrCat("read ", path));
  if (count == sizeof(text)) {
    return absl::OutOfRangeError(absl::StrCat("read ", path, ": more than 4095 bytes"));
  }
  return std::string(text, static_cast<size_t>(count));
}

absl::StatusOr<std::string> ReadValue(absl::string_view path) {
  return ReadValueAt(AT_FDCWD, path);
}

}  // namespace tiny
