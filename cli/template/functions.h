// The functions that --format templates can call. Pure; thread-safe.
#ifndef TINY_CLI_TEMPLATE_FUNCTIONS_H_
#define TINY_CLI_TEMPLATE_FUNCTIONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/template/value.h"

namespace tiny::cli {

// Docker's json, join, split, upper, lower, title, pad and truncate; Go's len, index, slice, print,
// printf, println, html, js, urlquery, eq, ne, lt, le, gt, ge, and, or and not. kNotFound where
// there is no such function; kInvalidArgument for arguments that it does not take.
bool IsTemplateFunction(absl::string_view name);
// The error of a template that calls one that there is not.
std::string NoTemplateFunction(absl::string_view name);
absl::StatusOr<Value> CallTemplateFunction(absl::string_view name,
                                           absl::Span<const Value> arguments);

}  // namespace tiny::cli

#endif  // TINY_CLI_TEMPLATE_FUNCTIONS_H_
