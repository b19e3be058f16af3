#include "cli/name_pattern.h"

#include <cstddef>
#include <limits>

#include "absl/functional/function_ref.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace tiny::cli {
namespace {

constexpr size_t kNone = absl::string_view::npos;
constexpr size_t kLongest = 4096;
constexpr int kManySteps = 200'000;
constexpr int kNoLimit = std::numeric_limits<int>::max();
constexpr int kMostRepeats = 1000;

// What is to match after a part of the pattern that has matched up to there.
using Next = absl::FunctionRef<bool(size_t)>;

// The length of "[...]", or kNone.
size_t ClassLength(absl::string_view pattern) {
  size_t end = pattern.size() > 1 && pattern[1] == '^' ? 2 : 1;
  // Right after the bracket, a closing one stands for itself.
  end = pattern.find(']', end + 1);
  return end == kNone ? kNone : end + 1;
}

// The length of the first thing in the pattern that can be repeated; kNone if it is malformed.
size_t AtomLength(absl::string_view pattern) {
  if (pattern[0] == '[') return ClassLength(pattern);
  if (pattern[0] == '\\') return pattern.size() < 2 ? kNone : 2;
  if (pattern[0] != '(') return absl::StrContains(")*+?", pattern[0]) ? kNone : 1;
  for (size_t at = 1; at < pattern.size();) {
    if (pattern[at] == ')') return at + 1;
    const bool plain = absl::StrContains("*+?", pattern[at]);
    const size_t length = plain ? 1 : AtomLength(pattern.substr(at));
    if (length == kNone) return kNone;
    at += length;
  }
  return kNone;
}

// Of "(...)" or "(?:...)".
absl::string_view InsideOf(absl::string_view group) {
  absl::string_view inside = group.substr(1, group.size() - 2);
  absl::ConsumePrefix(&inside, "?:");
  return inside;
}

struct Repeat {
  int least = 1;
  int most = 1;
  size_t length = 0;  // of its text
};

// Of what stands before `pattern`. A brace that holds no numbers is a literal.
Repeat RepeatOf(absl::string_view pattern) {
  if (pattern.empty()) return {};
  if (pattern[0] == '*') return {0, kNoLimit, 1};
  if (pattern[0] == '+') return {1, kNoLimit, 1};
  if (pattern[0] == '?') return {0, 1, 1};
  const size_t end = pattern.find('}');
  if (pattern[0] != '{' || end == kNone) return {};
  const absl::string_view range = pattern.substr(1, end - 1);
  const size_t comma = range.find(',');
  Repeat repeat{0, 0, end + 1};
  if (!absl::SimpleAtoi(range.substr(0, comma), &repeat.least)) return {};
  repeat.most = repeat.least;
  if (comma != kNone && comma + 1 == range.size()) repeat.most = kNoLimit;
  if (comma != kNone && comma + 1 < range.size() &&
      !absl::SimpleAtoi(range.substr(comma + 1), &repeat.most)) {
    return {};
  }
  const bool valid =
      repeat.least >= 0 && repeat.least <= kMostRepeats && repeat.most >= repeat.least;
  return valid ? repeat : Repeat();
}

bool IsWellFormed(absl::string_view pattern) {
  while (!pattern.empty()) {
    if (pattern[0] == '|') {
      pattern.remove_prefix(1);
      continue;
    }
    const size_t length = AtomLength(pattern);
    if (length == kNone) return false;
    if (pattern[0] == '(' && !IsWellFormed(InsideOf(pattern.substr(0, length)))) return false;
    pattern.remove_prefix(length);
    pattern.remove_prefix(RepeatOf(pattern).length);
  }
  return true;
}

bool IsOfKind(char kind, char c) {
  switch (kind) {
    case 'd':
      return absl::ascii_isdigit(static_cast<unsigned char>(c));
    case 'w':
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
    case 's':
      return absl::ascii_isspace(static_cast<unsigned char>(c));
    default:
      return c == kind;
  }
}

// `text` is what stands between the brackets.
bool IsInClass(absl::string_view text, char c) {
  const bool negated = absl::ConsumePrefix(&text, "^");
  bool found = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      found = found || IsOfKind(text[++at], c);
    } else if (at + 2 < text.size() && text[at + 1] == '-') {
      found = found || (text[at] <= c && c <= text[at + 2]);
      at += 2;
    } else {
      found = found || text[at] == c;
    }
  }
  return found != negated;
}

// Tries one way after the other, and goes back where the rest does not match.
class Matcher {
 public:
  explicit Matcher(absl::string_view text) : text_(text) {}

  bool Alternatives(absl::string_view pattern, size_t at, Next next) {
    size_t end = 0;
    while (end < pattern.size() && pattern[end] != '|') end += AtomOrMark(pattern.substr(end));
    if (Sequence(pattern.substr(0, end), at, next)) return true;
    return end < pattern.size() && Alternatives(pattern.substr(end + 1), at, next);
  }

 private:
  static size_t AtomOrMark(absl::string_view pattern) {
    const size_t length = AtomLength(pattern);
    return length == kNone ? 1 : length;
  }

  bool Sequence(absl::string_view pattern, size_t at, Next next) {
    if (++steps_ > kManySteps) return false;
    if (pattern.empty()) return next(at);
    const size_t length = AtomLength(pattern);
    const Repeat repeat = RepeatOf(pattern.substr(length));
    const absl::string_view rest = pattern.substr(length + repeat.length);
    const auto go_on = [&](size_t end) { return Sequence(rest, end, next); };
    return Repeated(pattern.substr(0, length), repeat.least, repeat.most, at, go_on);
  }

  bool Repeated(absl::string_view atom, int least, int most, size_t at, Next next) {
    if (++steps_ > kManySteps) return false;
    const auto again = [&](size_t end) {
      // What matches nothing would do so for ever.
      if (end == at) return next(end);
      return Repeated(atom, least > 0 ? least - 1 : 0, most == kNoLimit ? most : most - 1, end,
                      next);
    };
    return (most > 0 && Atom(atom, at, again)) || (least == 0 && next(at));
  }

  bool Atom(absl::string_view atom, size_t at, Next next) {
    if (atom[0] == '^' && atom.size() == 1) return at == 0 && next(at);
    if (atom[0] == '$') return at == text_.size() && next(at);
    if (atom[0] == '(') return Alternatives(InsideOf(atom), at, next);
    return at < text_.size() && IsOne(atom, text_[at]) && next(at + 1);
  }

  static bool IsOne(absl::string_view atom, char c) {
    if (atom[0] == '.') return true;
    if (atom[0] == '[') return IsInClass(atom.substr(1, atom.size() - 2), c);
    return atom[0] == '\\' ? IsOfKind(atom[1], c) : atom[0] == c;
  }

  const absl::string_view text_;
  int steps_ = 0;
};

}  // namespace

bool MatchesPattern(absl::string_view pattern, absl::string_view text) {
  if (pattern.size() > kLongest || !IsWellFormed(pattern)) return absl::StrContains(text, pattern);
  Matcher matcher(text);
  const auto done = [](size_t) { return true; };
  for (size_t at = 0; at <= text.size(); ++at) {
    if (matcher.Alternatives(pattern, at, done)) return true;
  }
  return false;
}

}  // namespace tiny::cli
