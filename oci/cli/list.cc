#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "base/timestamp.h"
#include "oci/cli/command.h"
#include "oci/cli/container_store.h"
#include "oci/cli/log.h"
#include "oci/cli/state_json.h"

namespace tiny::oci {
namespace {

struct Row {
  Record record;
  ContainerStatus status;
};

std::string Table(const std::vector<Row>& rows) {
  size_t id_width = 2;
  size_t bundle_width = 6;
  for (const Row& row : rows) {
    id_width = std::max(id_width, row.record.id.size());
    bundle_width = std::max(bundle_width, row.record.bundle.size());
  }
  std::string text;
  const auto line = [&](const std::string& id, const std::string& pid, absl::string_view status,
                        const std::string& bundle, const std::string& created,
                        const std::string& owner) {
    absl::StrAppendFormat(&text, "%-*s   %-9s   %-9s   %-*s   %-30s   %s\n",
                          static_cast<int>(id_width), id, pid, status,
                          static_cast<int>(bundle_width), bundle, created, owner);
  };
  line("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER");
  for (const auto& [record, status] : rows) {
    line(record.id, absl::StrCat(status == ContainerStatus::kStopped ? 0 : record.init.pid),
         StatusName(status), record.bundle, FormatTimestamp(record.created), record.owner);
  }
  return text;
}

}  // namespace

absl::StatusOr<int> RunList(const Globals& globals, Arguments arguments) {
  std::string format = "table";
  bool quiet = false;
  Flags flags;
  flags.Add({"format", 'f', "table or json", &format});
  flags.Add({"quiet", 'q', "ids only", &quiet});
  RETURN_IF_ERROR(ParseOperands(flags, arguments, 0).status());
  if (format != "table" && format != "json") {
    return absl::InvalidArgumentError(absl::StrCat("--format ", format, ": table or json"));
  }
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, store.List());
  std::vector<Row> rows;
  for (const std::string& id : ids) {
    absl::StatusOr<Record> record = store.Load(id);
    if (record.ok()) {
      const ContainerStatus status = store.StatusOf(*record);
      rows.push_back({*std::move(record), status});
    } else if (absl::IsNotFound(record.status())) {
      if (store.LoadRemains(id).ok() && !store.IsBeingMade(id)) {
        Log(globals, "warning",
            absl::StrCat("container ", id, ": its creator died; delete removes what it left"));
      }
    } else {
      // One that is damaged, or was deleted meanwhile, is no reason not to show the others.
      Log(globals, "warning", absl::StrCat(record.status().message()));
    }
  }
  std::string text;
  if (quiet) {
    for (const Row& row : rows) absl::StrAppend(&text, row.record.id, "\n");
  } else if (format == "table") {
    text = Table(rows);
  } else {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
      json.push_back(StateJson(row.record, row.status));
      json.back()["owner"] = row.record.owner;
    }
    text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  RETURN_IF_ERROR(Print(text));
  return 0;
}

}  // namespace tiny::oci
