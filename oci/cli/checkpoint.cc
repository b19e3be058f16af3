#include "base/posix_status.h"
#include "oci/cli/command.h"

namespace tiny::oci {

absl::StatusOr<int> RunCheckpoint(const Globals&, Arguments) {
  return WithHint(absl::UnimplementedError("checkpoint and restore are not supported"),
                  "use a runtime that was built with CRIU for this container");
}

}  // namespace tiny::oci
