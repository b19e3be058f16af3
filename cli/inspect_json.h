// A container as docker inspect shows it. Pure functions, thread-safe.
#ifndef TINY_CLI_INSPECT_JSON_H_
#define TINY_CLI_INSPECT_JSON_H_

#include <string>

#include "absl/strings/string_view.h"
#include "cli/template/value.h"
#include "runtime/engine.h"

namespace tiny::cli {

// With Docker's names of fields, so that scripts written for it work: .State.Pid,
// .NetworkSettings.IPAddress, .HostConfig.Memory, ... `root` is where containers are kept.
Value InspectValue(const runtime::Container& container, absl::string_view root);

}  // namespace tiny::cli

#endif  // TINY_CLI_INSPECT_JSON_H_
