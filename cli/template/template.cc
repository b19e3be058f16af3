#include "cli/template/template.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/template/functions.h"
#include "cli/template/lexer.h"

namespace tiny::cli {
namespace {

constexpr size_t kMaxOutput = size_t{16} << 20;

class Evaluator {
 public:
  explicit Evaluator(const Value& root) : root_(root) {}

  absl::Status Run(const std::vector<Node>& nodes, const Value& dot) {
    const size_t scope = variables_.size();
    for (const Node& node : nodes) RETURN_IF_ERROR(RunNode(node, dot));
    variables_.resize(scope);
    return absl::OkStatus();
  }

  std::string TakeOutput() { return std::move(output_); }

 private:
  absl::Status RunNode(const Node& node, const Value& dot) {
    if (node.kind == Node::Kind::kText) return Print(node.text);
    ASSIGN_OR_RETURN(const Value value, Evaluate(node.pipeline, dot));
    const size_t scope = variables_.size();
    switch (node.kind) {
      case Node::Kind::kPrint:
        if (node.pipeline.variables.empty()) return Print(ToText(value));
        variables_.emplace_back(node.pipeline.variables[0], value);
        return absl::OkStatus();
      case Node::Kind::kRange:
        RETURN_IF_ERROR(RunRange(node, value, dot));
        break;
      default: {
        if (!node.pipeline.variables.empty()) {
          variables_.emplace_back(node.pipeline.variables[0], value);
        }
        const Value& inner = node.kind == Node::Kind::kWith ? value : dot;
        RETURN_IF_ERROR(value.IsTrue() ? Run(node.body, inner) : Run(node.otherwise, dot));
      }
    }
    variables_.resize(scope);
    return absl::OkStatus();
  }

  absl::Status RunRange(const Node& node, const Value& value, const Value& dot) {
    const std::vector<std::string>& names = node.pipeline.variables;
    const auto run_body = [&](Value key, const Value& item) -> absl::Status {
      const size_t scope = variables_.size();
      if (names.size() == 2) variables_.emplace_back(names[0], std::move(key));
      if (!names.empty()) variables_.emplace_back(names.back(), item);
      RETURN_IF_ERROR(Run(node.body, item));
      variables_.resize(scope);
      return absl::OkStatus();
    };
    if (value.as_list() != nullptr && !value.as_list()->empty()) {
      int64_t i = 0;
      for (const Value& each : *value.as_list()) RETURN_IF_ERROR(run_body(Value(i++), each));
      return absl::OkStatus();
    }
    if (value.as_map() != nullptr && !value.as_map()->members.empty()) {
      for (const ValueMember& member : value.as_map()->members) {
        RETURN_IF_ERROR(run_body(Value(member.key), member.value));
      }
      return absl::OkStatus();
    }
    if (value.as_list() == nullptr && value.as_map() == nullptr && !value.is_null()) {
      return TemplateError(absl::StrCat("range over a ", value.kind()),
                           node.pipeline.commands[0].operands[0].position);
    }
    return Run(node.otherwise, dot);
  }

  absl::Status Print(absl::string_view text) {
    if (output_.size() + text.size() > kMaxOutput) {
      return absl::InvalidArgumentError("template: more than 16 MiB of output");
    }
    absl::StrAppend(&output_, text);
    return absl::OkStatus();
  }

  absl::StatusOr<Value> Evaluate(const Pipeline& pipeline, const Value& dot) {
    Value value;
    for (size_t i = 0; i < pipeline.commands.size(); ++i) {
      ASSIGN_OR_RETURN(value, EvaluateCommand(pipeline.commands[i], dot, i > 0 ? &value : nullptr));
    }
    return value;
  }

  // `last` is what the command before it in the pipeline gave: its last argument.
  absl::StatusOr<Value> EvaluateCommand(const TemplateCommand& command, const Value& dot,
                                        const Value* last) {
    const Operand& head = command.operands[0];
    std::vector<Value> arguments;
    for (size_t i = 1; i < command.operands.size(); ++i) {
      ASSIGN_OR_RETURN(Value argument, EvaluateOperand(command.operands[i], dot));
      arguments.push_back(std::move(argument));
    }
    if (last != nullptr) arguments.push_back(*last);
    absl::StatusOr<Value> result;
    if (head.kind == Operand::Kind::kFunction) {
      result = CallTemplateFunction(head.name, arguments);
    } else {
      ASSIGN_OR_RETURN(Value value, EvaluateOperand(head, dot));
      if (value.as_function() == nullptr) {
        if (arguments.empty()) return value;
        return TemplateError(absl::StrCat("a ", value.kind(), " takes no values"), head.position);
      }
      result = (*value.as_function())(arguments);
    }
    if (result.ok()) return result;
    const absl::string_view name = !head.name.empty()     ? absl::string_view(head.name)
                                   : !head.fields.empty() ? absl::string_view(head.fields.back())
                                                          : "";
    return TemplateError(absl::StrCat(name, ": ", result.status().message()), head.position);
  }

  absl::StatusOr<Value> EvaluateOperand(const Operand& operand, const Value& dot) {
    switch (operand.kind) {
      case Operand::Kind::kDot:
        return Follow(dot, operand);
      case Operand::Kind::kRoot:
        return Follow(root_, operand);
      case Operand::Kind::kLiteral:
        return operand.literal;
      case Operand::Kind::kFunction: {
        absl::StatusOr<Value> result = CallTemplateFunction(operand.name, {});
        if (result.ok()) return result;
        return TemplateError(absl::StrCat(operand.name, ": ", result.status().message()),
                             operand.position);
      }
      case Operand::Kind::kPipeline: {
        ASSIGN_OR_RETURN(const Value value, Evaluate(*operand.inner, dot));
        return Follow(value, operand);
      }
      case Operand::Kind::kVariable:
        break;
    }
    for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
      if (it->first == operand.name) return Follow(it->second, operand);
    }
    return TemplateError(absl::StrCat("no variable ", operand.name), operand.position);
  }

  absl::StatusOr<Value> Follow(const Value& start, const Operand& operand) {
    const Value* value = &start;
    for (const std::string& field : operand.fields) {
      const Value* found = value->Find(field);
      if (found == nullptr) {
        if (value->is_null()) return Value();
        if (value->as_map() == nullptr) {
          return TemplateError(absl::StrCat("a ", value->kind(), " has no field ", field),
                               operand.position);
        }
        if (value->as_map()->is_dictionary) return Value();
        return TemplateError(absl::StrCat("no field ", field), operand.position);
      }
      value = found;
    }
    return *value;
  }

  const Value& root_;
  std::vector<std::pair<std::string, Value>> variables_;
  std::string output_;
};

}  // namespace

absl::StatusOr<Template> Template::Parse(absl::string_view text) {
  ASSIGN_OR_RETURN(std::vector<Node> nodes, ParseTemplate(text));
  return Template(std::move(nodes));
}

absl::StatusOr<std::string> Template::Execute(const Value& root) const {
  Evaluator evaluator(root);
  RETURN_IF_ERROR(evaluator.Run(nodes_, root));
  return evaluator.TakeOutput();
}

}  // namespace tiny::cli
