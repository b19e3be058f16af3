// How lists are printed: as a table, as JSON, or by the user's template.
//
//   ASSIGN_OR_RETURN(RowFormat format, RowFormat::Parse(flags.format, kColumns, flags.quiet));
//   for (...) RETURN_IF_ERROR(format.AddRow(value));
//   format.Print(context.out);
#ifndef TINY_CLI_FORMAT_H_
#define TINY_CLI_FORMAT_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/output.h"
#include "cli/table/table.h"
#include "cli/template/template.h"

namespace tiny::cli {

struct Column {
  absl::string_view field;  // of a row's Value: "ID"
  absl::string_view title;  // "CONTAINER ID"
  bool in_table = true;     // shown by default
};

// Thread-compatible.
class RowFormat {
 public:
  // `text` is "" or "table" (the default columns), "table TEMPLATE", "json" (one object a line), or
  // a template. In templates \t and \n are a tab and a new line. With `quiet_field`, that field
  // alone is printed. `columns` outlives the format.
  static absl::StatusOr<RowFormat> Parse(absl::string_view text, absl::Span<const Column> columns,
                                         absl::string_view quiet_field = "");

  // Whether a row must have this field; of a template, and as JSON, it must have all.
  bool Needs(absl::string_view field) const;
  // A row has a field for each column, and may have more.
  absl::Status AddRow(const Value& row);
  // AddRow in two steps, for rows whose order is known only when all are there.
  using Cells = std::vector<std::string>;
  absl::StatusOr<Cells> Format(const Value& row) const;
  void AddCells(Cells cells) { rows_.push_back(std::move(cells)); }
  // Prints the rows and forgets them, but not the form.
  void Print(Output& out);

 private:
  enum class Kind { kTable, kJson, kTemplate, kTableTemplate, kQuiet };

  Kind kind_ = Kind::kTable;
  std::vector<absl::string_view> needed_;  // fields, where not every one may be
  std::optional<Template> template_;
  Cells header_;
  std::vector<Cells> rows_;
};

// What inspect and version print: the whole value as JSON ("" and "json"), or by a template.
absl::StatusOr<std::string> FormatValue(absl::string_view format, const Value& value);

// Prints text that a template made: as it is, but harmless on a terminal.
void PrintText(Output& out, absl::string_view text);

}  // namespace tiny::cli

#endif  // TINY_CLI_FORMAT_H_
