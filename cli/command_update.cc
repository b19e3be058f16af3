// tiny update: other limits and another restart policy, also while the container runs.
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/policies.h"
#include "cli/targets.h"

namespace tiny::cli {
namespace {

constexpr Option kOptions[] = {
    {0, "restart", "policy", "no, on-failure[:N], always or unless-stopped",
     Apply<[](ContainerFlags& f, absl::string_view v) {
       f.has_restart = true;
       return Store(ParseRestart(v), &f.config.restart_policy);
     }>},
};
constexpr OptionGroup kRestartGroup = {"Options", kOptions};
constexpr const OptionGroup* kGroups[] = {&kRestartGroup, &kLimitOptions};

// Takes over what was given: what is 0 or empty was not.
template <typename T>
void Take(const T& given, T* field) {
  if (given != T()) *field = given;
}

absl::Status Change(const ContainerFlags& flags, state::ContainerConfig& config) {
  const state::ResourceConfig& given = flags.config.resources;
  state::ResourceConfig& limits = config.resources;
  if (given.nano_cpus != 0) limits.cpu_quota = limits.cpu_period = 0;
  if (given.cpu_quota != 0 || given.cpu_period != 0) limits.nano_cpus = 0;
  Take(given.memory, &limits.memory);
  Take(given.memory_swap, &limits.memory_swap);
  Take(given.memory_reservation, &limits.memory_reservation);
  Take(given.nano_cpus, &limits.nano_cpus);
  Take(given.cpu_shares, &limits.cpu_shares);
  Take(given.cpu_period, &limits.cpu_period);
  Take(given.cpu_quota, &limits.cpu_quota);
  Take(given.cpuset_cpus, &limits.cpuset_cpus);
  Take(given.cpuset_mems, &limits.cpuset_mems);
  Take(given.pids_limit, &limits.pids_limit);
  Take(given.blkio_weight, &limits.blkio_weight);
  if (limits.memory_swap > 0 && limits.memory_swap < limits.memory) {
    return absl::InvalidArgumentError(
        "the limit of memory and swap together is below that of memory: change --memory-swap too");
  }
  if (!flags.has_restart) return absl::OkStatus();
  if (config.auto_remove && flags.config.restart_policy.name != "no") {
    return absl::FailedPreconditionError(
        "a container that runs with --rm cannot have a restart policy");
  }
  config.restart_policy = flags.config.restart_policy;
  return absl::OkStatus();
}

bool HasLimit(const state::ResourceConfig& given) {
  return given.memory != 0 || given.memory_swap != 0 || given.memory_reservation != 0 ||
         given.nano_cpus != 0 || given.cpu_shares != 0 || given.cpu_period != 0 ||
         given.cpu_quota != 0 || !given.cpuset_cpus.empty() || !given.cpuset_mems.empty() ||
         given.pids_limit != 0 || given.blkio_weight != 0;
}

absl::StatusOr<int> RunUpdate(Context& context, ContainerFlags& flags, Arguments targets) {
  RETURN_IF_ERROR(CheckCpus(flags.config.resources.nano_cpus));
  if (!flags.has_restart && !HasLimit(flags.config.resources)) {
    return UsageError("nothing to change is given", "for example: tiny update -m 256m web");
  }
  return ForEachTarget(
      context, targets, TargetOrder::kOneByOne,
      [&](runtime::Engine& engine, absl::string_view target) -> absl::StatusOr<std::string> {
        RETURN_IF_ERROR(engine.Update(
            target, [&](state::ContainerConfig& config) { return Change(flags, config); }));
        return std::string(target);
      });
}

}  // namespace

constinit const Command kUpdateCommand = {
    .name = "update",
    .summary = "Change the limits of containers",
    .usage = "[OPTIONS] CONTAINER...",
    .details = "Limits change at once where a container runs.",
    .examples = "tiny update -m 256m --cpus 2 web\ntiny update --restart always web db",
    .options = kGroups,
    .min_arguments = 1,
    .run = Run<ContainerFlags, RunUpdate>,
};

}  // namespace tiny::cli
