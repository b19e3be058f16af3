// Networks and volumes as Docker shows them.
#ifndef TINY_CLI_OBJECT_VALUES_H_
#define TINY_CLI_OBJECT_VALUES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/template/value.h"
#include "runtime/engine.h"
#include "runtime/network/network_manager.h"
#include "runtime/volumes/volume_store.h"

namespace tiny::cli {

Value VolumeValue(const runtime::Volume& volume);

// `endpoints`: of the containers on it, by id.
Value NetworkValue(const runtime::Network& network,
                   const std::map<std::string, state::NetworkEndpoint>& endpoints);

// The ids of the containers that use a volume.
std::vector<std::string> UsersOfVolume(const std::vector<runtime::Container>& containers,
                                       absl::string_view name);

// "key=value" or "key" against labels.
bool HasLabel(const std::map<std::string, std::string>& labels, absl::string_view wanted);

}  // namespace tiny::cli

#endif  // TINY_CLI_OBJECT_VALUES_H_
