// Aligned columns, as docker ps prints them.
//
//   Table table({"NAME", "STATUS"});
//   table.AddRow({"web", "Up 3 seconds"});
//   out.Write(table.ToString());
//
// A column is as wide as its widest cell, in columns of a terminal, and three blanks more; the last
// one is not padded. Control characters in cells are made visible. Thread-compatible.
#ifndef TINY_CLI_TABLE_TABLE_H_
#define TINY_CLI_TABLE_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tiny::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> header) { AddRow(std::move(header)); }
  Table() = default;

  void AddRow(std::vector<std::string> cells);
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tiny::cli

#endif  // TINY_CLI_TABLE_TABLE_H_
