#include "cli/format.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace tiny::cli {
namespace {

std::string Unescape(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"\\t", "\t"}, {"\\n", "\n"}});
}

// As Docker's: "org.example.my-label" is "my label".
absl::StatusOr<Value> LabelTitle(absl::Span<const Value> arguments) {
  if (arguments.size() != 1) return Value("");
  const std::string key = ToText(arguments[0]);
  return Value(absl::StrReplaceAll(absl::string_view(key).substr(key.rfind('.') + 1),
                                   {{"-", " "}, {"_", " "}}));
}

}  // namespace

absl::StatusOr<RowFormat> RowFormat::Parse(absl::string_view text, absl::Span<const Column> columns,
                                           absl::string_view quiet_field) {
  RowFormat format;
  if (text.empty() || text == "table") {
    if (!quiet_field.empty()) {
      format.kind_ = Kind::kQuiet;
      format.needed_ = {quiet_field};
      return format;
    }
    for (const Column& column : columns) {
      if (!column.in_table) continue;
      format.needed_.push_back(column.field);
      format.header_.emplace_back(column.title);
    }
    return format;
  }
  if (text == "json") {
    format.kind_ = Kind::kJson;
    return format;
  }
  format.kind_ = absl::ConsumePrefix(&text, "table ") ? Kind::kTableTemplate : Kind::kTemplate;
  ASSIGN_OR_RETURN(format.template_, Template::Parse(Unescape(text)));
  if (format.kind_ == Kind::kTableTemplate) {
    Value titles = Value::Object();
    for (const Column& column : columns) titles.Set(column.field, column.title);
    titles.Set("Label", Value(Value::Function(LabelTitle)));
    absl::StatusOr<std::string> header = format.template_->Execute(titles);
    if (!header.ok()) header = "";
    format.header_ = absl::StrSplit(*header, '\t');
  }
  return format;
}

bool RowFormat::Needs(absl::string_view field) const {
  return needed_.empty() || std::find(needed_.begin(), needed_.end(), field) != needed_.end();
}

absl::Status RowFormat::AddRow(const Value& row) {
  ASSIGN_OR_RETURN(Cells cells, Format(row));
  AddCells(std::move(cells));
  return absl::OkStatus();
}

absl::StatusOr<RowFormat::Cells> RowFormat::Format(const Value& row) const {
  const auto text_of = [&](absl::string_view field) {
    const Value* value = row.Find(field);
    return value == nullptr ? std::string() : ToText(*value);
  };
  switch (kind_) {
    case Kind::kJson:
      return Cells{ToJson(row)};
    case Kind::kQuiet:
    case Kind::kTable: {
      Cells cells;
      for (const absl::string_view field : needed_) cells.push_back(text_of(field));
      return cells;
    }
    case Kind::kTemplate:
    case Kind::kTableTemplate:
      break;
  }
  ASSIGN_OR_RETURN(std::string line, template_->Execute(row));
  if (kind_ == Kind::kTemplate) return Cells{std::move(line)};
  return Cells(absl::StrSplit(line, '\t'));
}

void RowFormat::Print(Output& out) {
  if (kind_ == Kind::kTable || kind_ == Kind::kTableTemplate) {
    Table table(header_);
    for (Cells& row : rows_) table.AddRow(std::move(row));
    out.Write(table.ToString());
  } else {
    std::string text;
    for (const Cells& row : rows_) absl::StrAppend(&text, row[0], "\n");
    PrintText(out, text);
  }
  rows_.clear();
}

absl::StatusOr<std::string> FormatValue(absl::string_view format, const Value& value) {
  if (format.empty()) return ToJson(value, 4);
  if (format == "json") return ToJson(value);
  ASSIGN_OR_RETURN(const Template parsed, Template::Parse(Unescape(format)));
  return parsed.Execute(value);
}

void PrintText(Output& out, absl::string_view text) {
  if (out.IsTerminal()) {
    out.Write(Printable(text, /*keep_lines=*/true));
  } else {
    out.Write(text);
  }
}

}  // namespace tiny::cli
