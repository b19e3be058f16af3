// A container as `state` and `list` show it: the specification's state, and what runc adds to it.
#ifndef TINY_OCI_CLI_STATE_JSON_H_
#define TINY_OCI_CLI_STATE_JSON_H_

#include "nlohmann/json.hpp"
#include "oci/cli/container_store.h"

namespace tiny::oci {

nlohmann::ordered_json StateJson(const Record& record, ContainerStatus status);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_STATE_JSON_H_
