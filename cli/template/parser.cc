#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/template/ast.h"
#include "cli/template/functions.h"
#include "cli/template/lexer.h"

namespace tiny::cli {
namespace {

using Kind = Token::Kind;

constexpr int kMaxDepth = 64;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  absl::StatusOr<std::vector<Node>> ParseAll() {
    ASSIGN_OR_RETURN(std::vector<Node> nodes, ParseNodes(0));
    if (Peek().kind == Kind::kEnd) return nodes;
    return TemplateError(absl::StrCat("{{", Peek(1).text, "}} without its beginning"),
                         Peek().position);
  }

 private:
  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  Token Take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool IsAction(absl::string_view word) const {
    return Peek().kind == Kind::kOpen && Peek(1).kind == Kind::kWord && Peek(1).text == word;
  }

  absl::Status Expect(Kind kind, absl::string_view what) {
    if (Peek().kind != kind) return TemplateError(absl::StrCat("missing ", what), Peek().position);
    Take();
    return absl::OkStatus();
  }

  // Up to the end, or an {{end}} or {{else}} that belongs to the caller.
  absl::StatusOr<std::vector<Node>> ParseNodes(int depth) {
    if (depth > kMaxDepth) return TemplateError("nested too deeply", Peek().position);
    std::vector<Node> nodes;
    while (Peek().kind != Kind::kEnd && !IsAction("end") && !IsAction("else")) {
      if (Peek().kind == Kind::kText) {
        Node node;
        node.text = Take().text;
        nodes.push_back(std::move(node));
        continue;
      }
      ASSIGN_OR_RETURN(Node node, ParseAction(depth));
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  absl::StatusOr<Node> ParseAction(int depth) {
    Take();  // {{
    Node node;
    node.kind = Node::Kind::kPrint;
    const Token word = Peek();
    if (word.kind == Kind::kWord) {
      if (word.text == "if") node.kind = Node::Kind::kIf;
      if (word.text == "range") node.kind = Node::Kind::kRange;
      if (word.text == "with") node.kind = Node::Kind::kWith;
    }
    if (node.kind == Node::Kind::kPrint) {
      ASSIGN_OR_RETURN(node.pipeline, ParsePipeline(depth));
      RETURN_IF_ERROR(Expect(Kind::kClose, "}}"));
      return node;
    }
    Take();
    RETURN_IF_ERROR(ParseBlock(word, depth, &node));
    return node;
  }

  // What follows {{if, {{range or {{with, to its {{end}}.
  absl::Status ParseBlock(const Token& word, int depth, Node* node) {
    ASSIGN_OR_RETURN(node->pipeline, ParsePipeline(depth));
    RETURN_IF_ERROR(Expect(Kind::kClose, "}}"));
    ASSIGN_OR_RETURN(node->body, ParseNodes(depth + 1));
    if (IsAction("else")) {
      Take();
      Take();
      if (Peek().kind == Kind::kWord && Peek().text == "if") {
        const Token inner_word = Take();
        Node inner;
        inner.kind = Node::Kind::kIf;
        if (depth > kMaxDepth) return TemplateError("nested too deeply", inner_word.position);
        RETURN_IF_ERROR(ParseBlock(inner_word, depth + 1, &inner));
        node->otherwise.push_back(std::move(inner));
        return absl::OkStatus();
      }
      RETURN_IF_ERROR(Expect(Kind::kClose, "}}"));
      ASSIGN_OR_RETURN(node->otherwise, ParseNodes(depth + 1));
    }
    if (!IsAction("end")) {
      return TemplateError(absl::StrCat("{{", word.text, "}} without {{end}}"), word.position);
    }
    Take();
    Take();
    return Expect(Kind::kClose, "}}");
  }

  absl::StatusOr<Pipeline> ParsePipeline(int depth) {
    if (depth > kMaxDepth) return TemplateError("nested too deeply", Peek().position);
    Pipeline pipeline;
    if (Peek().kind == Kind::kVariable &&
        (Peek(1).kind == Kind::kAssign || Peek(1).kind == Kind::kComma)) {
      pipeline.variables.push_back(Take().text);
      if (Peek().kind == Kind::kComma) {
        Take();
        if (Peek().kind != Kind::kVariable) {
          return TemplateError("missing a variable", Peek().position);
        }
        pipeline.variables.push_back(Take().text);
      }
      RETURN_IF_ERROR(Expect(Kind::kAssign, ":="));
    }
    while (true) {
      ASSIGN_OR_RETURN(TemplateCommand command, ParseCommand(depth));
      pipeline.commands.push_back(std::move(command));
      if (Peek().kind != Kind::kPipe) return pipeline;
      Take();
    }
  }

  absl::StatusOr<TemplateCommand> ParseCommand(int depth) {
    TemplateCommand command;
    while (Peek().kind == Kind::kField || Peek().kind == Kind::kVariable ||
           Peek().kind == Kind::kWord || Peek().kind == Kind::kLiteral ||
           Peek().kind == Kind::kLeft) {
      ASSIGN_OR_RETURN(Operand operand, ParseOperand(depth));
      command.operands.push_back(std::move(operand));
    }
    if (command.operands.empty()) {
      return TemplateError("missing a field or function", Peek().position);
    }
    return command;
  }

  absl::StatusOr<Operand> ParseOperand(int depth) {
    const Token token = Take();
    Operand operand;
    operand.position = token.position;
    switch (token.kind) {
      case Kind::kField:
        if (!token.text.empty()) operand.fields.push_back(token.text);
        break;
      case Kind::kVariable:
        operand.kind = token.text == "$" ? Operand::Kind::kRoot : Operand::Kind::kVariable;
        operand.name = token.text;
        break;
      case Kind::kWord:
        if (!IsTemplateFunction(token.text)) {
          return TemplateError(NoTemplateFunction(token.text), token.position);
        }
        operand.kind = Operand::Kind::kFunction;
        operand.name = token.text;
        return operand;
      case Kind::kLiteral:
        operand.kind = Operand::Kind::kLiteral;
        operand.literal = token.value;
        return operand;
      default: {
        operand.kind = Operand::Kind::kPipeline;
        ASSIGN_OR_RETURN(Pipeline inner, ParsePipeline(depth + 1));
        operand.inner = std::make_shared<Pipeline>(std::move(inner));
        RETURN_IF_ERROR(Expect(Kind::kRight, ")"));
      }
    }
    while (Peek().kind == Kind::kField && Peek().joined) {
      if (Peek().text.empty()) return TemplateError("field without a name", Peek().position);
      operand.fields.push_back(Take().text);
    }
    return operand;
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<Node>> ParseTemplate(absl::string_view text) {
  ASSIGN_OR_RETURN(std::vector<Token> tokens, LexTemplate(text));
  return Parser(std::move(tokens)).ParseAll();
}

}  // namespace tiny::cli
