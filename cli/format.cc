#include "cli/format.h"

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace tiny::cli {
namespace {

std::string Unescape(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"\\t", "\t"}, {"\\n", "\n"}});
}

}  // namespace

absl::StatusOr<RowFormat> RowFormat::Parse(absl::string_view text, absl::Span<const Column> columns,
                                           absl::string_view quiet_field) {
  RowFormat format;
  format.columns_ = columns;
  if (text.empty() || text == "table") {
    format.quiet_field_ = quiet_field;
    if (!quiet_field.empty()) format.kind_ = Kind::kQuiet;
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
    absl::StatusOr<std::string> header = format.template_->Execute(titles);
    if (!header.ok()) header = "";
    format.rows_.push_back(absl::StrSplit(*header, '\t'));
  }
  return format;
}

absl::Status RowFormat::AddRow(const Value& row) {
  const auto text_of = [&](absl::string_view field) {
    const Value* value = row.Find(field);
    return value == nullptr ? std::string() : ToText(*value);
  };
  switch (kind_) {
    case Kind::kQuiet:
      rows_.push_back({text_of(quiet_field_)});
      break;
    case Kind::kJson:
      rows_.push_back({ToJson(row)});
      break;
    case Kind::kTable:
      rows_.emplace_back();
      for (const Column& column : columns_) {
        if (column.in_table) rows_.back().push_back(text_of(column.field));
      }
      break;
    case Kind::kTemplate: {
      ASSIGN_OR_RETURN(std::string line, template_->Execute(row));
      rows_.push_back({std::move(line)});
      break;
    }
    case Kind::kTableTemplate: {
      ASSIGN_OR_RETURN(const std::string line, template_->Execute(row));
      rows_.push_back(absl::StrSplit(line, '\t'));
      break;
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> RowFormat::Header() const {
  std::vector<std::string> titles;
  for (const Column& column : columns_) {
    if (column.in_table) titles.emplace_back(column.title);
  }
  return titles;
}

void RowFormat::Print(Output& out) {
  if (kind_ == Kind::kTable || kind_ == Kind::kTableTemplate) {
    Table table;
    if (kind_ == Kind::kTable) table.AddRow(Header());
    for (const std::vector<std::string>& row : rows_) table.AddRow(row);
    out.Write(table.ToString());
    return;
  }
  for (const std::vector<std::string>& row : rows_) {
    PrintText(out, row[0]);
    out.Write("\n");
  }
}

void RowFormat::Clear() {
  if (kind_ == Kind::kTableTemplate) {
    rows_.resize(1);
  } else {
    rows_.clear();
  }
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
