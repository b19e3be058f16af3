// A container as `ps` shows it. Pure functions, thread-safe.
#ifndef TINY_CLI_CONTAINER_VIEW_H_
#define TINY_CLI_CONTAINER_VIEW_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/format.h"
#include "cli/template/value.h"
#include "runtime/engine.h"

namespace tiny::cli {

// "Up 3 seconds (healthy)", "Exited (137) 2 hours ago", "Created", ...
std::string StatusText(const state::ContainerState& state, absl::Time now);

// "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp", neighbours put together as ranges; exposed ports that
// are not published as "80/tcp".
std::string PortsText(const runtime::Container& container);

// The command line in quotes, cut to 20 columns unless `whole`.
std::string CommandText(const state::ContainerConfig& config, bool whole);

// The names of its networks, its volumes and binds.
std::vector<std::string> NetworkNames(const runtime::Container& container);

struct ViewOptions {
  absl::Time now;
  bool no_trunc = false;
  const RowFormat* needs = nullptr;  // only the fields that it needs; null: all
};
// All that ps --format knows: .ID .Image .Command .CreatedAt .RunningFor .Ports .State .Status
// .HealthStatus .Names .Labels .Label .Mounts .Networks .LocalVolumes .Platform .Size.
Value ContainerRow(const runtime::Container& container, const ViewOptions& options);

}  // namespace tiny::cli

#endif  // TINY_CLI_CONTAINER_VIEW_H_
