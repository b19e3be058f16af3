#include "oci/state.h"

#include "nlohmann/json.hpp"

namespace tiny::oci {

namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const State& state) {
  Json json = {
      {"ociVersion", kSpecVersion},
      {"id", state.id},
      {"status", state.status},
  };
  if (state.pid != 0) json["pid"] = state.pid;
  json["bundle"] = state.bundle;
  if (!state.annotations.empty()) json["annotations"] = state.annotations;
  return json;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string SerializeState(const State& state) { return Dump(ToJson(state)); }

std::string SerializeProcessState(const State& state, pid_t pid, const std::string& metadata) {
  Json json = {{"ociVersion", kSpecVersion}, {"fds", {"seccompFd"}}, {"pid", pid}};
  if (!metadata.empty()) json["metadata"] = metadata;
  json["state"] = ToJson(state);
  return Dump(json);
}

}  // namespace tiny::oci
