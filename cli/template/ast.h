// The syntax tree of a --format template, and the parser that makes it.
//
// The language is the part of Go's text/template that people use with docker: text and actions in
// {{ }} (with - to trim), field paths, variables, if, else, range, with, end, pipelines, calls,
// string and number literals, comments. Thread-compatible.
#ifndef TINY_CLI_TEMPLATE_AST_H_
#define TINY_CLI_TEMPLATE_AST_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/template/value.h"

namespace tiny::cli {

struct Pipeline;

// One word of a command: something with a value, and the fields that are taken from it.
struct Operand {
  enum class Kind { kDot, kRoot, kVariable, kLiteral, kFunction, kPipeline };
  Kind kind = Kind::kDot;
  size_t position = 0;  // offset in the template, for messages
  std::string name;     // of a variable ("$i") or function
  Value literal;
  std::shared_ptr<Pipeline> inner;  // in parentheses
  std::vector<std::string> fields;  // ".A.B" -> {"A", "B"}
};

// A function or field with its arguments: the first operand is called with the others.
struct TemplateCommand {
  std::vector<Operand> operands;
};

struct Pipeline {
  std::vector<std::string> variables;  // "$k, $v :=" of a range, "$x :=" else
  std::vector<TemplateCommand> commands;
};

struct Node {
  enum class Kind { kText, kPrint, kIf, kRange, kWith };
  Kind kind = Kind::kText;
  std::string text;
  Pipeline pipeline;
  std::vector<Node> body;
  std::vector<Node> otherwise;  // after {{else}}
};

// kInvalidArgument says what is wrong and at which column.
absl::StatusOr<std::vector<Node>> ParseTemplate(absl::string_view text);

}  // namespace tiny::cli

#endif  // TINY_CLI_TEMPLATE_AST_H_
