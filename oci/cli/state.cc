#include "oci/state.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/timestamp.h"
#include "oci/cli/command.h"
#include "oci/cli/container_store.h"
#include "oci/cli/state_json.h"

namespace tiny::oci {

nlohmann::ordered_json StateJson(const Record& record, ContainerStatus status) {
  nlohmann::ordered_json json = {
      {"ociVersion", kSpecVersion},
      {"id", record.id},
      {"pid", status == ContainerStatus::kStopped ? 0 : record.init.pid},
      {"status", std::string(StatusName(status))},
      {"bundle", record.bundle},
      {"rootfs", record.rootfs},
      {"created", FormatTimestamp(record.created)},
  };
  if (!record.annotations.empty()) json["annotations"] = record.annotations;
  json["owner"] = record.owner == "root" ? "" : record.owner;
  return json;
}

absl::StatusOr<int> RunState(const Globals& globals, Arguments arguments) {
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, ParseOperands({}, arguments, 1));
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(const Record record, store.LoadComplete(operands[0]));
  const nlohmann::ordered_json json = StateJson(record, store.StatusOf(record));
  RETURN_IF_ERROR(
      Print(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"));
  return 0;
}

}  // namespace tiny::oci
