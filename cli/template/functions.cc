#include "cli/template/functions.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "cli/template/escapes.h"
#include "cli/utf8.h"

namespace tiny::cli {
namespace {

using Arguments = absl::Span<const Value>;

constexpr int64_t kMaxPad = 1000;

absl::Status WrongType(absl::string_view want, const Value& value) {
  return absl::InvalidArgumentError(absl::StrCat("want a ", want, " but got a ", value.kind()));
}

absl::StatusOr<int64_t> IntOf(const Value& value) {
  if (value.as_int() == nullptr) return WrongType("whole number", value);
  return *value.as_int();
}

absl::StatusOr<Value> Json(Arguments a) { return Value(ToJson(a[0])); }
absl::StatusOr<Value> Upper(Arguments a) { return Value(absl::AsciiStrToUpper(ToText(a[0]))); }
absl::StatusOr<Value> Lower(Arguments a) { return Value(absl::AsciiStrToLower(ToText(a[0]))); }

absl::StatusOr<Value> Title(Arguments a) {
  std::string text = ToText(a[0]);
  bool at_start = true;
  for (char& c : text) {
    if (at_start) c = absl::ascii_toupper(c);
    at_start = absl::ascii_isspace(c);
  }
  return Value(std::move(text));
}

absl::StatusOr<Value> Join(Arguments a) {
  if (a[0].is_null()) return Value("");
  if (a[0].as_list() == nullptr) return WrongType("list", a[0]);
  std::vector<std::string> texts;
  for (const Value& each : *a[0].as_list()) texts.push_back(ToText(each));
  return Value(absl::StrJoin(texts, ToText(a[1])));
}

absl::StatusOr<Value> Split(Arguments a) {
  const std::vector<std::string> parts = absl::StrSplit(ToText(a[0]), ToText(a[1]));
  return Value(parts);
}

absl::StatusOr<Value> Pad(Arguments a) {
  ASSIGN_OR_RETURN(const int64_t before, IntOf(a[1]));
  ASSIGN_OR_RETURN(const int64_t after, IntOf(a[2]));
  const std::string text = ToText(a[0]);
  if (text.empty()) return Value("");
  return Value(absl::StrCat(std::string(std::clamp<int64_t>(before, 0, kMaxPad), ' '), text,
                            std::string(std::clamp<int64_t>(after, 0, kMaxPad), ' ')));
}

absl::StatusOr<Value> Truncate(Arguments a) {
  ASSIGN_OR_RETURN(const int64_t width, IntOf(a[1]));
  return Value(TruncateToWidth(ToText(a[0]), static_cast<size_t>(std::max<int64_t>(width, 0))));
}

absl::StatusOr<Value> Len(Arguments a) {
  if (a[0].as_string() != nullptr) return Value(uint64_t{a[0].as_string()->size()});
  if (a[0].as_list() != nullptr) return Value(uint64_t{a[0].as_list()->size()});
  if (a[0].as_map() != nullptr) return Value(uint64_t{a[0].as_map()->members.size()});
  if (a[0].is_null()) return Value(0);
  return WrongType("string, list or map", a[0]);
}

absl::StatusOr<Value> Index(Arguments a) {
  const Value* value = &a[0];
  for (const Value& key : a.subspan(1)) {
    if (value->as_list() != nullptr) {
      ASSIGN_OR_RETURN(const int64_t i, IntOf(key));
      const Value::List& list = *value->as_list();
      if (i < 0 || static_cast<uint64_t>(i) >= list.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("index ", i, " is outside of a list of ", list.size()));
      }
      value = &list[static_cast<size_t>(i)];
    } else if (value->as_map() != nullptr || value->is_null()) {
      if (key.as_string() == nullptr) return WrongType("string", key);
      value = value->Find(*key.as_string());
      if (value == nullptr) return Value("");
    } else {
      return WrongType("list or map", *value);
    }
  }
  return *value;
}

// A part of a string, by bytes, or of a list: from, and up to, which may be left out.
absl::StatusOr<Value> Slice(Arguments a) {
  const std::string* text = a[0].as_string();
  const Value::List* list = a[0].as_list();
  if (text == nullptr && list == nullptr) return WrongType("string or list", a[0]);
  const auto size = static_cast<int64_t>(text != nullptr ? text->size() : list->size());
  int64_t from = 0;
  int64_t to = size;
  if (a.size() > 1) {
    ASSIGN_OR_RETURN(from, IntOf(a[1]));
  }
  if (a.size() > 2) {
    ASSIGN_OR_RETURN(to, IntOf(a[2]));
  }
  if (from < 0 || to > size || from > to) {
    return absl::InvalidArgumentError(
        absl::StrCat(from, " to ", to, " is outside of a ", a[0].kind(), " of ", size));
  }
  if (text != nullptr) {
    return Value(text->substr(static_cast<size_t>(from), static_cast<size_t>(to - from)));
  }
  return Value(Value::List(list->begin() + from, list->begin() + to));
}

// printf with Go's verbs: %s %v %q %d %x %t %f and widths.
absl::StatusOr<Value> Printf(Arguments a) {
  if (a[0].as_string() == nullptr) return WrongType("string", a[0]);
  const std::string& format = *a[0].as_string();
  std::string out;
  size_t next = 1;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    const size_t start = ++i;
    while (i < format.size() &&
           absl::StrContains("-+ #0123456789.", absl::string_view(&format[i], 1)))
      ++i;
    if (i >= format.size()) return absl::InvalidArgumentError("% without a verb");
    if (i - start > 8) return absl::InvalidArgumentError("a width is too long");
    const std::string flags = absl::StrCat("%", format.substr(start, i - start));
    if (format[i] == '%') {
      out += '%';
      continue;
    }
    if (next >= a.size()) return absl::InvalidArgumentError("too few values for its %");
    const Value& value = a[next++];
    int64_t width = 0;
    if (absl::SimpleAtoi(absl::StripLeadingAsciiWhitespace(format.substr(start, i - start)),
                         &width) &&
        std::abs(width) > kMaxPad) {
      return absl::InvalidArgumentError("a width is too large");
    }
    const char verb = format[i];
    if ((verb == 'd' || verb == 'x') && value.as_int() != nullptr) {
      const auto spec = absl::ParsedFormat<'d'>::New(flags + "d");
      const auto hex = absl::ParsedFormat<'x'>::New(flags + "x");
      if (spec == nullptr || hex == nullptr) return absl::InvalidArgumentError("bad %");
      absl::StrAppend(&out, verb == 'd' ? absl::StrFormat(*spec, *value.as_int())
                                        : absl::StrFormat(*hex, *value.as_int()));
    } else if (verb == 'f' || (verb == 'g' && value.as_double() != nullptr)) {
      const double number = value.as_double() != nullptr ? *value.as_double()
                            : value.as_int() != nullptr  ? static_cast<double>(*value.as_int())
                                                         : 0;
      const auto spec = absl::ParsedFormat<'f'>::New(flags + "f");
      if (spec == nullptr) return absl::InvalidArgumentError("bad %");
      absl::StrAppend(&out, absl::StrFormat(*spec, number));
    } else if (absl::StrContains("svqtd", absl::string_view(&verb, 1))) {
      const auto spec = absl::ParsedFormat<'s'>::New(flags + "s");
      if (spec == nullptr) return absl::InvalidArgumentError("bad %");
      const std::string text = verb == 'q' ? ToJson(Value(ToText(value))) : ToText(value);
      absl::StrAppend(&out, absl::StrFormat(*spec, text));
    } else {
      return absl::InvalidArgumentError(absl::StrCat("unknown verb %", format.substr(i, 1)));
    }
  }
  return Value(std::move(out));
}

// Blanks stand only between values that are no strings.
std::string PrintAll(Arguments a) {
  std::string text;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool blank = i > 0 && a[i - 1].as_string() == nullptr && a[i].as_string() == nullptr;
    absl::StrAppend(&text, blank ? " " : "", ToText(a[i]));
  }
  return text;
}

absl::StatusOr<Value> Print(Arguments a) { return Value(PrintAll(a)); }
absl::StatusOr<Value> Html(Arguments a) { return Value(EscapeHtml(PrintAll(a))); }
absl::StatusOr<Value> Js(Arguments a) { return Value(EscapeJs(PrintAll(a))); }
absl::StatusOr<Value> UrlQuery(Arguments a) { return Value(EscapeUrlQuery(PrintAll(a))); }

absl::StatusOr<Value> Println(Arguments a) {
  return Value(absl::StrCat(
      absl::StrJoin(a, " ", [](std::string* out, const Value& each) { out->append(ToText(each)); }),
      "\n"));
}

// -1, 0 or 1.
absl::StatusOr<int> Compare(const Value& a, const Value& b) {
  if (a.as_string() != nullptr && b.as_string() != nullptr) {
    return a.as_string()->compare(*b.as_string());
  }
  const auto number = [](const Value& value) -> absl::StatusOr<double> {
    if (value.as_int() != nullptr) return static_cast<double>(*value.as_int());
    if (value.as_double() != nullptr) return *value.as_double();
    return WrongType("number", value);
  };
  ASSIGN_OR_RETURN(const double left, number(a));
  ASSIGN_OR_RETURN(const double right, number(b));
  return left < right ? -1 : left > right;
}

absl::StatusOr<Value> Eq(Arguments a) {
  for (const Value& each : a.subspan(1)) {
    if (a[0] == each) return Value(true);
  }
  return Value(false);
}
absl::StatusOr<Value> Ne(Arguments a) { return Value(!(a[0] == a[1])); }
absl::StatusOr<Value> Lt(Arguments a) {
  ASSIGN_OR_RETURN(const int order, Compare(a[0], a[1]));
  return Value(order < 0);
}
absl::StatusOr<Value> Le(Arguments a) {
  ASSIGN_OR_RETURN(const int order, Compare(a[0], a[1]));
  return Value(order <= 0);
}
absl::StatusOr<Value> Gt(Arguments a) { return Lt({a[1], a[0]}); }
absl::StatusOr<Value> Ge(Arguments a) { return Le({a[1], a[0]}); }

absl::StatusOr<Value> And(Arguments a) {
  for (const Value& each : a) {
    if (!each.IsTrue()) return each;
  }
  return a.back();
}
absl::StatusOr<Value> Or(Arguments a) {
  for (const Value& each : a) {
    if (each.IsTrue()) return each;
  }
  return a.back();
}
absl::StatusOr<Value> Not(Arguments a) { return Value(!a[0].IsTrue()); }

struct Function {
  absl::string_view name;
  size_t min_arguments;
  size_t max_arguments;
  absl::StatusOr<Value> (*call)(Arguments);
};

constexpr size_t kAny = 100;
constexpr Function kFunctions[] = {
    {"json", 1, 1, Json},
    {"join", 2, 2, Join},
    {"split", 2, 2, Split},
    {"upper", 1, 1, Upper},
    {"lower", 1, 1, Lower},
    {"title", 1, 1, Title},
    {"pad", 3, 3, Pad},
    {"truncate", 2, 2, Truncate},
    {"len", 1, 1, Len},
    {"index", 1, kAny, Index},
    {"slice", 1, 3, Slice},
    {"printf", 1, kAny, Printf},
    {"print", 0, kAny, Print},
    {"println", 0, kAny, Println},
    {"html", 0, kAny, Html},
    {"js", 0, kAny, Js},
    {"urlquery", 0, kAny, UrlQuery},
    {"eq", 2, kAny, Eq},
    {"ne", 2, 2, Ne},
    {"lt", 2, 2, Lt},
    {"le", 2, 2, Le},
    {"gt", 2, 2, Gt},
    {"ge", 2, 2, Ge},
    {"and", 1, kAny, And},
    {"or", 1, kAny, Or},
    {"not", 1, 1, Not},
};

}  // namespace

bool IsTemplateFunction(absl::string_view name) {
  return std::any_of(std::begin(kFunctions), std::end(kFunctions),
                     [&](const Function& function) { return function.name == name; });
}

std::string NoTemplateFunction(absl::string_view name) {
  std::string text = absl::StrCat("no function \"", name, "\"");
  if (name == "call")
    return absl::StrCat(text, ": give the values after the field: .Label \"key\"");
  absl::StrAppend(&text, ", but");
  for (const Function& function : kFunctions) absl::StrAppend(&text, " ", function.name);
  return text;
}

absl::StatusOr<Value> CallTemplateFunction(absl::string_view name,
                                           absl::Span<const Value> arguments) {
  for (const Function& function : kFunctions) {
    if (function.name != name) continue;
    if (arguments.size() < function.min_arguments || arguments.size() > function.max_arguments) {
      return absl::InvalidArgumentError(absl::StrCat("wrong number of values: ", arguments.size()));
    }
    return function.call(arguments);
  }
  return absl::NotFoundError(NoTemplateFunction(name));
}

}  // namespace tiny::cli
