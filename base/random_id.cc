#include "base/random_id.h"

#include <errno.h>
#include <sys/random.h>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "base/posix_status.h"

namespace tiny {

absl::StatusOr<std::string> RandomId() {
  char bytes[32];
  // Up to 256 bytes are never cut short by a signal.
  if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) return PosixStatus(errno, "getrandom");
  return absl::BytesToHexString(absl::string_view(bytes, sizeof(bytes)));
}

}  // namespace tiny
