// The words inside {{ }} of a template.
#ifndef TINY_CLI_TEMPLATE_LEXER_H_
#define TINY_CLI_TEMPLATE_LEXER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/template/value.h"

namespace tiny::cli {

struct Token {
  enum class Kind {
    kText,      // outside of {{ }}: `text`
    kOpen,      // {{
    kClose,     // }}
    kField,     // .Name or ., `text` without the dot
    kVariable,  // $ or $name
    kWord,      // if, len, ...
    kLiteral,   // `value`
    kPipe,      // |
    kAssign,    // :=
    kComma,     // ,
    kLeft,      // (
    kRight,     // )
    kEnd,       // of the template
  };
  Kind kind = Kind::kEnd;
  size_t position = 0;
  // No blank before it: ".A.B" and "(x).C" are one operand, ".A .B" are two.
  bool joined = false;
  std::string text;
  Value value;
};

// The tokens of a whole template, kEnd last. Text beside {{- and -}} is trimmed; comments are gone.
absl::StatusOr<std::vector<Token>> LexTemplate(absl::string_view text);

// kInvalidArgument: "template: <message> at column 12".
absl::Status TemplateError(absl::string_view message, size_t position);

}  // namespace tiny::cli

#endif  // TINY_CLI_TEMPLATE_LEXER_H_
