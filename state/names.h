// Names of containers: the grammar, and names made up for those who gave none.
#ifndef TINY_STATE_NAMES_H_
#define TINY_STATE_NAMES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tiny::state {

inline constexpr size_t kMaxNameLength = 255;  // NAME_MAX: a name is a file's name

// kInvalidArgument unless `name` is [a-zA-Z0-9][a-zA-Z0-9_.-]+ of at most 255 characters, as
// Docker has it.
absl::Status ValidateContainerName(absl::string_view name);

// "brisk_lovelace": the name for a random number, one of about ten thousand. From the second
// attempt on a digit follows, so that a machine full of containers finds a free one.
std::string GeneratedName(uint64_t random, int attempt = 0);

}  // namespace tiny::state

#endif  // TINY_STATE_NAMES_H_
