// Text made fit for a place in other text, as the functions html, js and urlquery of Go's templates
// do it. Pure.
#ifndef TINY_CLI_TEMPLATE_ESCAPES_H_
#define TINY_CLI_TEMPLATE_ESCAPES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tiny::cli {

std::string EscapeHtml(absl::string_view text);
// For a string of JavaScript, between its quotes. What is not ASCII stays as it is.
std::string EscapeJs(absl::string_view text);
std::string EscapeUrlQuery(absl::string_view text);

}  // namespace tiny::cli

#endif  // TINY_CLI_TEMPLATE_ESCAPES_H_
