// tiny system df, system prune and container prune.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/container_view.h"
#include "cli/format.h"
#include "cli/object_filter.h"
#include "cli/object_values.h"
#include "cli/writable_size.h"

namespace tiny::cli {
namespace {

struct DfFlags {
  bool verbose = false;
  std::string format;
};
constexpr Option kDfOptions[] = {
    {'v', "verbose", "", "Show each container and volume", Set<&DfFlags::verbose>},
    {0, "format", "form", "table, json or a template such as {{.Type}}", Set<&DfFlags::format>},
};
constexpr OptionGroup kDfGroup = {"", kDfOptions};
constexpr const OptionGroup* kDfGroups[] = {&kDfGroup};

constexpr Column kColumns[] = {{"Type", "TYPE"},
                               {"TotalCount", "TOTAL"},
                               {"Active", "ACTIVE"},
                               {"Size", "SIZE"},
                               {"Reclaimable", "RECLAIMABLE"}};

struct Usage {
  absl::string_view type;
  int total = 0;
  int active = 0;
  uint64_t bytes = 0;
  uint64_t reclaimable = 0;

  void Add(uint64_t size, bool in_use) {
    ++total;
    active += in_use ? 1 : 0;
    bytes += size;
    reclaimable += in_use ? 0 : size;
  }
};

absl::Status AddUsage(RowFormat& format, const Usage& usage) {
  const std::string share =
      usage.bytes == 0 ? "" : absl::StrFormat(" (%d%%)", usage.reclaimable * 100 / usage.bytes);
  return format.AddRow(
      Value::Object({{"Type", usage.type},
                     {"TotalCount", absl::StrCat(usage.total)},
                     {"Active", absl::StrCat(usage.active)},
                     {"Size", FormatDecimalBytes(usage.bytes)},
                     {"Reclaimable", absl::StrCat(FormatDecimalBytes(usage.reclaimable), share)}}));
}

bool Runs(const runtime::Container& container) {
  return container.state.status == state::Status::kRunning ||
         container.state.status == state::Status::kPaused ||
         container.state.status == state::Status::kRestarting;
}

constexpr Column kContainerColumns[] = {
    {"ID", "CONTAINER ID"},    {"Image", "IMAGE"},   {"Command", "COMMAND"}, {"Size", "SIZE"},
    {"RunningFor", "CREATED"}, {"Status", "STATUS"}, {"Names", "NAMES"},
};
constexpr Column kVolumeColumns[] = {{"Name", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}};

absl::Status PrintEach(Context& context, const std::vector<runtime::Container>& containers,
                       const std::vector<runtime::Volume>& volumes) {
  ASSIGN_OR_RETURN(RowFormat rows, RowFormat::Parse("", kContainerColumns));
  for (const runtime::Container& container : containers) {
    Value row = ContainerRow(container, {.now = absl::Now()});
    row.Set("Size", FormatDecimalBytes(WritableSize(context, container)));
    RETURN_IF_ERROR(rows.AddRow(row));
  }
  context.out.Write("Containers space usage:\n\n");
  rows.Print(context.out);
  ASSIGN_OR_RETURN(rows, RowFormat::Parse("", kVolumeColumns));
  for (const runtime::Volume& volume : volumes) {
    const size_t users = UsersOfVolume(containers, volume.name).size();
    RETURN_IF_ERROR(
        rows.AddRow(Value::Object({{"Name", volume.name},
                                   {"Links", absl::StrCat(users)},
                                   {"Size", FormatDecimalBytes(DiskUsage(volume.path))}})));
  }
  context.out.Write("\nLocal Volumes space usage:\n\n");
  rows.Print(context.out);
  return absl::OkStatus();
}

absl::StatusOr<int> RunDf(Context& context, DfFlags& flags, Arguments) {
  if (flags.verbose && !flags.format.empty()) {
    return UsageError("--verbose does not go with --format");
  }
  ASSIGN_OR_RETURN(RowFormat format, RowFormat::Parse(flags.format, kColumns));
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  ASSIGN_OR_RETURN(const std::vector<runtime::Container> containers, engine->List(nullptr));
  Usage layers = {.type = "Containers"};
  for (const runtime::Container& container : containers) {
    layers.Add(WritableSize(context, container), Runs(container));
  }
  ASSIGN_OR_RETURN(const std::vector<runtime::Volume> all,
                   runtime::VolumeStore(context.options.root).List(nullptr));
  if (flags.verbose) {
    RETURN_IF_ERROR(PrintEach(context, containers, all));
    return 0;
  }
  Usage volumes = {.type = "Local Volumes"};
  for (const runtime::Volume& volume : all) {
    volumes.Add(DiskUsage(volume.path), !UsersOfVolume(containers, volume.name).empty());
  }
  RETURN_IF_ERROR(AddUsage(format, layers));
  RETURN_IF_ERROR(AddUsage(format, volumes));
  format.Print(context.out);
  return 0;
}

constexpr Option kSystemOptions[] = {
    {0, "volumes", "", "Anonymous volumes too", Set<&PruneFlags::volumes>},
    {'a', "all", "", "As Docker's, for images: there are none", Set<&PruneFlags::all>},
};
constexpr OptionGroup kSystemGroup = {"What else to remove", kSystemOptions};
constexpr const OptionGroup* kContainerGroups[] = {&kPruneGroup};
constexpr const OptionGroup* kSystemGroups[] = {&kPruneGroup, &kSystemGroup};

absl::StatusOr<int> PruneContainers(Context& context, const PruneFlags& flags, uint64_t* freed) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  ASSIGN_OR_RETURN(const std::vector<runtime::Container> containers, engine->List(nullptr));
  int code = 0;
  for (const runtime::Container& container : containers) {
    if (Runs(container) ||
        !flags.filter.Matches(container.config.labels, container.config.created_at)) {
      continue;
    }
    const uint64_t size = WritableSize(context, container);
    const absl::Status removed =
        engine->Remove(container.config.id, /*force=*/false, /*volumes=*/false);
    if (removed.ok()) {
      *freed += size;
      context.out.Print(container.config.id, "\n");
    } else if (!absl::IsNotFound(removed) && !absl::IsFailedPrecondition(removed)) {
      // Else it is gone by now, or runs.
      context.PrintError(removed);
      code = 1;
    }
  }
  return code;
}

void PrintTotal(Context& context, uint64_t freed) {
  context.out.Print("Total reclaimed space: ", FormatDecimalBytes(freed), "\n");
}

absl::StatusOr<int> RunContainerPrune(Context& context, PruneFlags& flags, Arguments) {
  ASSIGN_OR_RETURN(const bool go_ahead, Confirm(context, flags, "all stopped containers"));
  if (!go_ahead) return 0;
  uint64_t freed = 0;
  ASSIGN_OR_RETURN(const int code, PruneContainers(context, flags, &freed));
  PrintTotal(context, freed);
  return code;
}

absl::StatusOr<int> RunSystemPrune(Context& context, PruneFlags& flags, Arguments) {
  if (flags.volumes && flags.filter.Has("until")) {
    return UsageError("--filter until does not go with --volumes");
  }
  ASSIGN_OR_RETURN(
      const bool go_ahead,
      Confirm(context, flags,
              flags.volumes ? "all stopped containers, unused networks and anonymous volumes"
                            : "all stopped containers and unused networks"));
  if (!go_ahead) return 0;
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  RETURN_IF_ERROR(engine->Sweep());
  uint64_t freed = 0;
  ASSIGN_OR_RETURN(int code, PruneContainers(context, flags, &freed));
  if (const absl::StatusOr<int> networks = PruneNetworks(context, flags.filter); !networks.ok()) {
    context.PrintError(networks.status());
    code = 1;
  }
  if (flags.volumes) RETURN_IF_ERROR(PruneVolumes(context, flags, /*all=*/false, &freed));
  PrintTotal(context, freed);
  return code;
}

}  // namespace

constinit const Command kSystemDfCommand = {
    .name = "system df",
    .summary = "Show the disk space of containers, logs and volumes",
    .usage = "[OPTIONS]",
    .details = "A container's share is its log, and its own layer where it is made from an image.",
    .examples = "tiny system df\ntiny system df -v",
    .options = kDfGroups,
    .max_arguments = 0,
    .run = Run<DfFlags, RunDf>,
};
constinit const Command kSystemPruneCommand = {
    .name = "system prune",
    .summary = "Remove unused containers and networks, and what crashes left behind",
    .usage = "[OPTIONS]",
    .examples = "tiny system prune -f --volumes",
    .options = kSystemGroups,
    .max_arguments = 0,
    .run = Run<PruneFlags, RunSystemPrune>,
};
constinit const Command kContainerPruneCommand = {
    .name = "container prune",
    .summary = "Remove all stopped containers",
    .usage = "[OPTIONS]",
    .examples = "tiny container prune -f --filter until=24h",
    .options = kContainerGroups,
    .max_arguments = 0,
    .run = Run<PruneFlags, RunContainerPrune>,
};

}  // namespace tiny::cli
