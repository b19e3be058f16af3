#include "oci/state.h"

#include "nlohmann/json.hpp"

namespace tiny::oci {

std::string SerializeState(const State& state) {
  nlohmann::ordered_json json = {
      {"ociVersion", state.oci_version},
      {"id", state.id},
      {"status", state.status},
  };
  if (state.pid != 0) json["pid"] = state.pid;
  json["bundle"] = state.bundle;
  if (!state.annotations.empty()) json["annotations"] = state.annotations;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace tiny::oci
