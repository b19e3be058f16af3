#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"
#include "oci/cli/command.h"
#include "oci/cli/container_cgroup.h"
#include "oci/cli/container_processes.h"
#include "oci/cli/container_store.h"
#include "runtime/process_table.h"

namespace tiny::oci {
namespace {

absl::StatusOr<std::vector<pid_t>> PidsOf(const ContainerStore& store, const std::string& id) {
  ASSIGN_OR_RETURN(const Record record, store.LoadComplete(id));
  if (store.StatusOf(record) == ContainerStatus::kStopped) return std::vector<pid_t>{};
  if (record.cgroup_path.empty()) return PidsByNamespace(record);
  ASSIGN_OR_RETURN(const cgroup::Cgroup group, OpenContainerCgroup(record));
  return group.Pids();
}

// Columns as wide as their longest cell, the last one as it is. What a process calls itself must
// not act on the terminal.
std::string Format(runtime::ProcessTable table) {
  table.rows.insert(table.rows.begin(), table.titles);
  std::vector<int> widths(table.titles.size());
  for (std::vector<std::string>& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      std::replace_if(
          row[i].begin(), row[i].end(),
          [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
      widths[i] = std::max(widths[i], static_cast<int>(row[i].size()));
    }
  }
  widths.back() = 0;
  std::string text;
  for (const std::vector<std::string>& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppendFormat(&text, "%s%-*s", i == 0 ? "" : "  ", widths[i], row[i]);
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace

absl::StatusOr<int> RunPs(const Globals& globals, Arguments arguments) {
  std::string format = "table";
  Flags flags;
  flags.Add({"format", 'f', "table or json", &format});
  ASSIGN_OR_RETURN(std::vector<std::string> operands, flags.Parse(arguments, false));
  if (operands.empty()) return absl::InvalidArgumentError("expected <container-id>");
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids,
                   PidsOf(ContainerStore(globals.root), operands[0]));
  if (format == "json") {
    RETURN_IF_ERROR(Print(nlohmann::json(pids).dump() + "\n"));
    return 0;
  }
  if (format != "table") {
    return absl::InvalidArgumentError(absl::StrCat("--format ", format, ": table or json"));
  }
  operands.erase(operands.begin());
  ASSIGN_OR_RETURN(const std::vector<std::string> columns, runtime::ParsePsOptions(operands));
  ASSIGN_OR_RETURN(runtime::ProcessTable table, runtime::ReadProcessTable(pids, columns));
  RETURN_IF_ERROR(Print(Format(std::move(table))));
  return 0;
}

}  // namespace tiny::oci
