#include "cli/table/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/output.h"
#include "cli/utf8.h"

namespace tiny::cli {

void Table::AddRow(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  std::vector<size_t> widths;
  for (const std::vector<std::string>& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  constexpr size_t kGap = 3;
  std::string text;
  for (const std::vector<std::string>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&text, row[i]);
      if (i + 1 < row.size()) text.append(widths[i] + kGap - DisplayWidth(row[i]), ' ');
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace tiny::cli
