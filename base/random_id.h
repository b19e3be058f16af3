// Ids that nobody has had before.
#ifndef TINY_BASE_RANDOM_ID_H_
#define TINY_BASE_RANDOM_ID_H_

#include <string>

#include "absl/status/statusor.h"

namespace tiny {

// 256 bits of getrandom(2) as 64 lower-case hexadecimal digits. Thread-safe.
absl::StatusOr<std::string> RandomId();

}  // namespace tiny

#endif  // TINY_BASE_RANDOM_ID_H_
