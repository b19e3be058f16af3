// tiny port: the published ports of a container, and more of them while it runs.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/flag_parsers/ports.h"

namespace tiny::cli {
namespace {

std::string HostText(const state::PortMapping& port) {
  const std::string ip = port.host_ip.empty() ? "0.0.0.0" : port.host_ip;
  return absl::StrContains(ip, ':') ? absl::StrCat("[", ip, "]:", port.host_port)
                                    : absl::StrCat(ip, ":", port.host_port);
}

std::string ContainerText(const state::PortMapping& port) {
  return absl::StrCat(port.container_port, "/", port.protocol);
}

absl::StatusOr<int> RunPort(Context& context, NoFlags&, Arguments arguments) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  absl::StatusOr<runtime::Container> container = engine->Inspect(arguments[0]);
  if (!container.ok()) return context.ExplainMissing(container.status(), arguments[0]);
  const std::vector<state::PortMapping>& ports = container->state.ports;
  if (arguments.size() == 1) {
    for (const state::PortMapping& port : ports) {
      context.out.Print(ContainerText(port), " -> ", HostText(port), "\n");
    }
    return 0;
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> wanted, ParseExpose(arguments[1]));
  int code = 0;
  for (const std::string& each : wanted) {
    bool found = false;
    for (const state::PortMapping& port : ports) {
      if (ContainerText(port) != each) continue;
      found = true;
      context.out.Print(HostText(port), "\n");
    }
    if (found) continue;
    context.PrintError(absl::NotFoundError(
        absl::StrCat("port ", each, " of ", arguments[0], " is not published")));
    code = 1;
  }
  return code;
}

// The ports of "8080:80" arguments.
absl::StatusOr<std::vector<state::PortMapping>> ParseAll(Arguments texts) {
  std::vector<state::PortMapping> ports;
  for (const absl::string_view text : texts) {
    ASSIGN_OR_RETURN(const std::vector<state::PortMapping> parsed, ParsePublish(text));
    ports.insert(ports.end(), parsed.begin(), parsed.end());
  }
  return ports;
}

absl::StatusOr<int> RunPortAdd(Context& context, NoFlags&, Arguments arguments) {
  ASSIGN_OR_RETURN(const std::vector<state::PortMapping> wanted, ParseAll(arguments.subspan(1)));
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const auto published = engine->Publish(arguments[0], wanted);
  if (!published.ok()) return context.ExplainMissing(published.status(), arguments[0]);
  for (const state::PortMapping& port : *published) {
    context.out.Print(ContainerText(port), " -> ", HostText(port), "\n");
  }
  return 0;
}

absl::StatusOr<int> RunPortRm(Context& context, NoFlags&, Arguments arguments) {
  ASSIGN_OR_RETURN(const std::vector<state::PortMapping> unwanted, ParseAll(arguments.subspan(1)));
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const absl::Status removed = engine->Unpublish(arguments[0], unwanted);
  if (!removed.ok()) return context.ExplainMissing(removed, arguments[0]);
  return 0;
}

}  // namespace

constinit const Command kPortAddCommand = {
    .name = "port add",
    .summary = "Publish more ports of a running container",
    .usage = "CONTAINER [[IP:]HOST:]PORT...",
    .examples = "tiny port add web 8443:443",
    .min_arguments = 2,
    .run = Run<NoFlags, RunPortAdd>,
};

constinit const Command kPortRmCommand = {
    .name = "port rm",
    .summary = "Unpublish ports of a running container",
    .usage = "CONTAINER [[IP:]HOST:]PORT...",
    .examples = "tiny port rm web 8443:443",
    .min_arguments = 2,
    .run = Run<NoFlags, RunPortRm>,
};

constinit const Command kPortCommand = {
    .name = "port",
    .summary = "Show the published ports of a container",
    .usage = "CONTAINER [PORT[/PROTOCOL]]",
    .examples = "tiny port web\ntiny port web 80",
    .min_arguments = 1,
    .max_arguments = 2,
    .run = Run<NoFlags, RunPort>,
};

}  // namespace tiny::cli
