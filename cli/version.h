// The version of this program.
#ifndef TINY_CLI_VERSION_H_
#define TINY_CLI_VERSION_H_

#include "absl/strings/string_view.h"

namespace tiny::cli {

inline constexpr absl::string_view kVersion = "0.1.0";

}  // namespace tiny::cli

#endif  // TINY_CLI_VERSION_H_
