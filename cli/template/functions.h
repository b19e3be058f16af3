// The functions that --format templates can call. Pure; thread-safe.
#ifndef TINY_CLI_TEMPLATE_FUNCTIONS_H_
#define TINY_CLI_TEMPLATE_FUNCTIONS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/template/value.h"

namespace tiny::cli {

// json, join, split, upper, lower, title, pad, truncate, len, index, print, printf, println, eq,
// ne, lt, le, gt, ge, and, or, not. kNotFound where there is no such function; kInvalidArgument for
// arguments that it does not take.
bool IsTemplateFunction(absl::string_view name);
absl::StatusOr<Value> CallTemplateFunction(absl::string_view name,
                                           absl::Span<const Value> arguments);

}  // namespace tiny::cli

#endif  // TINY_CLI_TEMPLATE_FUNCTIONS_H_
