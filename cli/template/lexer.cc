#include "cli/template/lexer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace tiny::cli {
namespace {

using Kind = Token::Kind;

bool IsWordChar(char c) { return absl::ascii_isalnum(c) || c == '_'; }

class Lexer {
 public:
  explicit Lexer(absl::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<Token>> Run() {
    while (at_ < text_.size()) {
      LexText();
      if (at_ < text_.size()) RETURN_IF_ERROR(LexAction());
    }
    Add(Kind::kEnd, at_, "");
    return std::move(tokens_);
  }

 private:
  void Add(Kind kind, size_t position, absl::string_view text) {
    tokens_.push_back(
        {.kind = kind, .position = position, .joined = joined_, .text = std::string(text)});
    joined_ = true;
  }

  // The text up to the next {{, which is left.
  void LexText() {
    const size_t open = text_.find("{{", at_);
    absl::string_view text = text_.substr(at_, open == absl::string_view::npos ? open : open - at_);
    const size_t position = at_;
    at_ += text.size();
    if (trim_next_) text = absl::StripLeadingAsciiWhitespace(text);
    trim_next_ = false;
    const absl::string_view action = text_.substr(at_);
    if (action.size() > 3 && action[2] == '-' && absl::ascii_isspace(action[3])) {
      text = absl::StripTrailingAsciiWhitespace(text);
    }
    if (!text.empty()) Add(Kind::kText, position, text);
  }

  // From {{ to }}, both included.
  absl::Status LexAction() {
    const size_t open = at_;
    Add(Kind::kOpen, open, "");
    at_ += 2;
    if (at_ + 1 < text_.size() && text_[at_] == '-' && absl::ascii_isspace(text_[at_ + 1])) ++at_;
    if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(text_.substr(at_)), "/*")) {
      return SkipComment(open);
    }
    while (true) {
      joined_ = true;
      while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) {
        ++at_;
        joined_ = false;
      }
      const absl::string_view rest = text_.substr(at_);
      if (rest.empty()) return TemplateError("{{ without }}", open);
      if (!joined_ && absl::StartsWith(rest, "-}}")) {
        trim_next_ = true;
        ++at_;
        continue;
      }
      if (absl::StartsWith(rest, "}}")) {
        Add(Kind::kClose, at_, "");
        at_ += 2;
        return absl::OkStatus();
      }
      RETURN_IF_ERROR(LexToken(rest));
    }
  }

  absl::Status SkipComment(size_t open) {
    const size_t end = text_.find("*/", at_);
    if (end == absl::string_view::npos) return TemplateError("comment without */", open);
    absl::string_view rest = absl::StripLeadingAsciiWhitespace(text_.substr(end + 2));
    trim_next_ = absl::ConsumePrefix(&rest, "-");
    if (!absl::ConsumePrefix(&rest, "}}")) return TemplateError("text after a comment", end);
    at_ = text_.size() - rest.size();
    tokens_.pop_back();
    return absl::OkStatus();
  }

  absl::Status LexToken(absl::string_view rest) {
    const char c = rest[0];
    if (c == '.' && (rest.size() < 2 || !absl::ascii_isdigit(rest[1]))) {
      return LexName(Kind::kField, rest, 1, 1);
    }
    if (c == '$') return LexName(Kind::kVariable, rest, 1, 0);
    if (c == '"' || c == '`') return LexString(rest);
    if (absl::ascii_isdigit(c) || c == '-' || c == '+' || c == '.') return LexNumber(rest);
    if (IsWordChar(c)) return LexWord(rest);
    constexpr std::pair<absl::string_view, Kind> kMarks[] = {{":=", Kind::kAssign},
                                                             {"|", Kind::kPipe},
                                                             {",", Kind::kComma},
                                                             {"(", Kind::kLeft},
                                                             {")", Kind::kRight}};
    for (const auto& [mark, kind] : kMarks) {
      if (!absl::StartsWith(rest, mark)) continue;
      Add(kind, at_, mark);
      at_ += mark.size();
      return absl::OkStatus();
    }
    return TemplateError(absl::StrCat("unexpected \"", rest.substr(0, 1), "\""), at_);
  }

  absl::Status LexName(Kind kind, absl::string_view rest, size_t prefix, size_t dropped) {
    size_t length = prefix;
    while (length < rest.size() && IsWordChar(rest[length])) ++length;
    Add(kind, at_, rest.substr(dropped, length - dropped));
    at_ += length;
    return absl::OkStatus();
  }

  absl::Status LexWord(absl::string_view rest) {
    size_t length = 0;
    while (length < rest.size() && IsWordChar(rest[length])) ++length;
    const absl::string_view word = rest.substr(0, length);
    if (word == "true" || word == "false") {
      Add(Kind::kLiteral, at_, word);
      tokens_.back().value = Value(word == "true");
    } else if (word == "nil") {
      Add(Kind::kLiteral, at_, word);
    } else {
      Add(Kind::kWord, at_, word);
    }
    at_ += length;
    return absl::OkStatus();
  }

  absl::Status LexNumber(absl::string_view rest) {
    size_t length = 1;
    while (length < rest.size() && (IsWordChar(rest[length]) || rest[length] == '.')) ++length;
    const absl::string_view number = rest.substr(0, length);
    int64_t whole = 0;
    double real = 0;
    if (!absl::SimpleAtoi(number, &whole) && !absl::SimpleAtod(number, &real)) {
      return TemplateError(absl::StrCat("bad number \"", number, "\""), at_);
    }
    Add(Kind::kLiteral, at_, number);
    tokens_.back().value = absl::SimpleAtoi(number, &whole) ? Value(whole) : Value(real);
    at_ += length;
    return absl::OkStatus();
  }

  absl::Status LexString(absl::string_view rest) {
    const char quote = rest[0];
    size_t end = 1;
    while (end < rest.size() && rest[end] != quote)
      end += (quote == '"' && rest[end] == '\\') ? 2 : 1;
    if (end >= rest.size()) return TemplateError("string without its closing quote", at_);
    const absl::string_view quoted = rest.substr(1, end - 1);
    std::string text(quoted);
    if (quote == '"' && !absl::CUnescape(quoted, &text)) {
      return TemplateError("bad escape in a string", at_);
    }
    Add(Kind::kLiteral, at_, quoted);
    tokens_.back().value = Value(std::move(text));
    at_ += end + 1;
    return absl::OkStatus();
  }

  absl::string_view text_;
  size_t at_ = 0;
  bool trim_next_ = false;
  bool joined_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

absl::StatusOr<std::vector<Token>> LexTemplate(absl::string_view text) { return Lexer(text).Run(); }

absl::Status TemplateError(absl::string_view message, size_t position) {
  return absl::InvalidArgumentError(
      absl::StrCat("template: ", message, " at column ", position + 1));
}

}  // namespace tiny::cli
