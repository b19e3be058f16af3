// tiny create: a container that is not started yet.
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/create_container.h"

namespace tiny::cli {
namespace {

constexpr const OptionGroup* kGroups[] = {&kGeneralOptions, &kStorageOptions,  &kNetworkOptions,
                                          &kLimitOptions,   &kResourceOptions, &kSecurityOptions,
                                          &kHealthOptions,  &kRefusedOptions};

absl::StatusOr<int> RunCreate(Context& context, ContainerFlags& flags, Arguments arguments) {
  ASSIGN_OR_RETURN(const std::string id,
                   CreateContainer(context, flags, arguments, runtime::Engine::Next::kNothing));
  context.out.Print(id, "\n");
  return 0;
}

}  // namespace

constinit const Command kCreateCommand = {
    .name = "create",
    .summary = "Create a container without starting it",
    .usage = "[OPTIONS] --rootfs DIR[:O] COMMAND [ARG...]",
    .details = "Prints the container's id. Start it with `tiny start`.",
    .examples =
        "tiny create --name db -v data:/var/lib/db --rootfs /srv/db dbserver\n"
        "tiny start db",
    .options = kGroups,
    .style = {.stop_at_positional = true},
    .failure_code = kUsageErrorCode,
    .run = Run<ContainerFlags, RunCreate>,
};

}  // namespace tiny::cli
