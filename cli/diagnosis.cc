#include "cli/diagnosis.h"

#include <algorithm>

#include "cli/template/value.h"
#include "cli/utf8.h"

namespace tiny::cli {
namespace {

absl::string_view Mark(DiagnosisLine::Result result) {
  switch (result) {
    case DiagnosisLine::kOk:
      return "ok";
    case DiagnosisLine::kNote:
      return "note";
    case DiagnosisLine::kBroken:
      return "BROKEN";
    case DiagnosisLine::kSkipped:
      return "skipped";
  }
  return "";
}

absl::string_view Color(DiagnosisLine::Result result) {
  switch (result) {
    case DiagnosisLine::kOk:
      return "\x1b[32m";
    case DiagnosisLine::kNote:
    case DiagnosisLine::kSkipped:
      return "\x1b[33m";
    case DiagnosisLine::kBroken:
      return "\x1b[31m";
  }
  return "";
}

void PrintJson(Output& out, const std::vector<DiagnosisLine>& lines) {
  Value list = Value(Value::List());
  for (const DiagnosisLine& line : lines) {
    list.Append(Value::Object({{"check", line.check},
                               {"result", Mark(line.result)},
                               {"fact", line.fact},
                               {"consequence", line.consequence},
                               {"fix", line.fix}}));
  }
  out.Print(ToJson(list, 2), "\n");
}

void PrintLine(Output& out, const DiagnosisLine& line, size_t width, bool color) {
  const absl::string_view mark = Mark(line.result);
  out.Print(color ? Color(line.result) : "", mark, color ? "\x1b[0m" : "",
            std::string(8 - std::min<size_t>(mark.size(), 7), ' '), line.check,
            std::string(width + 2 - DisplayWidth(line.check), ' '), Printable(line.fact), "\n");
  const std::string indent(width + 10, ' ');
  if (!line.consequence.empty()) out.Print(indent, Printable(line.consequence), "\n");
  if (!line.fix.empty()) out.Print(indent, "fix: ", Printable(line.fix), "\n");
}

}  // namespace

int PrintDiagnosis(Context& context, const std::vector<DiagnosisLine>& lines, bool json) {
  const bool broken = std::any_of(lines.begin(), lines.end(), [](const DiagnosisLine& line) {
    return line.result == DiagnosisLine::kBroken;
  });
  if (json) {
    PrintJson(context.out, lines);
    return broken ? 1 : 0;
  }
  size_t width = 0;
  for (const DiagnosisLine& line : lines) width = std::max(width, DisplayWidth(line.check));
  const bool color = context.out.IsTerminal();
  for (const DiagnosisLine& line : lines) PrintLine(context.out, line, width, color);
  if (!broken) context.out.Write("All is well.\n");
  return broken ? 1 : 0;
}

}  // namespace tiny::cli
