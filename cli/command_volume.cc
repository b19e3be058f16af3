// tiny volume create, ls, inspect, rm and prune.
#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/csv.h"
#include "cli/format.h"
#include "cli/object_filter.h"
#include "cli/object_values.h"
#include "cli/writable_size.h"
#include "state/store.h"

namespace tiny::cli {
namespace {

struct CreateFlags {
  runtime::CreateVolumeOptions volume;
};

absl::Status AddOption(absl::string_view value, std::map<std::string, std::string>* options) {
  ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(value));
  (*options)[pair.first] = pair.second;
  return absl::OkStatus();
}

constexpr Option kCreateOptions[] = {
    {'d', "driver", "driver", "local", Apply<[](CreateFlags&, absl::string_view v) -> absl::Status {
       if (v == "local") return absl::OkStatus();
       return absl::InvalidArgumentError("volumes are folders of this machine: want local");
     }>},
    {0, "label", "key[=value]", "Attach a label",
     Apply<[](CreateFlags& f, absl::string_view v) { return AddLabel(v, &f.volume.labels); }>},
    {0, "name", "name", "", SetIn<&CreateFlags::volume, &runtime::CreateVolumeOptions::name>},
    {'o', "opt", "key=value", "type=none, o=bind and device=FOLDER for a folder of your own",
     Apply<[](CreateFlags& f, absl::string_view v) { return AddOption(v, &f.volume.options); }>},
};
constexpr OptionGroup kCreateGroup = {"", kCreateOptions};
constexpr const OptionGroup* kCreateGroups[] = {&kCreateGroup};

absl::StatusOr<int> RunCreate(Context& context, CreateFlags& flags, Arguments arguments) {
  if (!arguments.empty()) {
    if (!flags.volume.name.empty()) return UsageError("--name does not go with a name");
    flags.volume.name = std::string(arguments[0]);
  }
  ASSIGN_OR_RETURN(const runtime::Volume volume,
                   runtime::VolumeStore(context.options.root).Create(flags.volume));
  context.out.Print(volume.name, "\n");
  return 0;
}

constexpr absl::string_view kListKeys[] = {"dangling", "driver", "label", "label!", "name"};

struct ListFlags {
  bool quiet = false;
  std::string format;
  ObjectFilter filter;
};
constexpr Option kListOptions[] = {
    {'q', "quiet", "", "Show only names", Set<&ListFlags::quiet>},
    {'f', "filter", "key=value", "Show only those that match (dangling, driver, label, name)",
     Apply<[](ListFlags& f, absl::string_view v) { return f.filter.Add(v, kListKeys); }>},
    {0, "format", "form", "table, json, \"table TEMPLATE\" or a template", Set<&ListFlags::format>},
};
constexpr OptionGroup kListGroup = {"", kListOptions};
constexpr const OptionGroup* kListGroups[] = {&kListGroup};

constexpr Column kColumns[] = {
    {"Driver", "DRIVER"},      {"Name", "VOLUME NAME"},     {"Mountpoint", "MOUNTPOINT", false},
    {"Scope", "SCOPE", false}, {"Labels", "LABELS", false}, {"Size", "SIZE", false},
    {"Links", "LINKS", false}};

bool Matches(const ObjectFilter& filter, const runtime::Volume& volume, bool used) {
  return filter.MatchesLabels(volume.labels) && filter.Any("name", [&](const std::string& name) {
    return absl::StrContains(volume.name, name);
  }) && filter.Any("driver", [](const std::string& driver) {
    return driver == "local";
  }) && filter.Any("dangling", [&](const std::string& dangling) {
    return (dangling == "true" || dangling == "1") != used;
  });
}

absl::StatusOr<int> RunList(Context& context, ListFlags& flags, Arguments) {
  ASSIGN_OR_RETURN(RowFormat format,
                   RowFormat::Parse(flags.format, kColumns, flags.quiet ? "Name" : ""));
  std::vector<std::string> damaged;
  ASSIGN_OR_RETURN(const std::vector<runtime::Volume> volumes,
                   runtime::VolumeStore(context.options.root).List(&damaged));
  for (const std::string& each : damaged) context.PrintWarning(each);
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  ASSIGN_OR_RETURN(const std::vector<runtime::Container> containers, engine->List(nullptr));
  const bool needs_size = absl::StrContains(flags.format, ".Size");
  for (const runtime::Volume& volume : volumes) {
    const size_t users = UsersOfVolume(containers, volume.name).size();
    if (!Matches(flags.filter, volume, users > 0)) continue;
    std::string labels;
    for (const auto& [key, value] : volume.labels) {
      absl::StrAppend(&labels, labels.empty() ? "" : ",", key, "=", value);
    }
    RETURN_IF_ERROR(format.AddRow(
        Value::Object({{"Driver", "local"},
                       {"Name", volume.name},
                       {"Mountpoint", volume.path},
                       {"Scope", "local"},
                       {"Labels", labels},
                       {"Size", needs_size ? FormatDecimalBytes(DiskUsage(volume.path)) : "N/A"},
                       {"Links", absl::StrCat(users)}})));
  }
  format.Print(context.out);
  return 0;
}

struct InspectFlags {
  std::string format;
};
constexpr Option kInspectOptions[] = {
    {'f', "format", "form", "json, or a template such as {{.Mountpoint}}",
     Set<&InspectFlags::format>},
};
constexpr OptionGroup kInspectGroup = {"", kInspectOptions};
constexpr const OptionGroup* kInspectGroups[] = {&kInspectGroup};

absl::StatusOr<int> RunInspect(Context& context, InspectFlags& flags, Arguments names) {
  const runtime::VolumeStore store(context.options.root);
  return InspectAll(context, flags.format, names,
                    [&](absl::string_view name) -> absl::StatusOr<Value> {
                      ASSIGN_OR_RETURN(const runtime::Volume volume, store.Inspect(name));
                      return VolumeValue(volume);
                    });
}

struct RemoveFlags {
  bool force = false;
};
constexpr Option kRemoveOptions[] = {
    {'f', "force", "", "Ignore those that do not exist", Set<&RemoveFlags::force>},
};
constexpr OptionGroup kRemoveGroup = {"", kRemoveOptions};
constexpr const OptionGroup* kRemoveGroups[] = {&kRemoveGroup};

// The users of a volume by the records as they are now: who settles a container may remove its
// volumes, for which the store is locked while it asks. `listed` was settled before.
absl::StatusOr<std::vector<std::string>> UsersNow(const Context& context,
                                                  const std::vector<runtime::Container>& listed,
                                                  absl::string_view volume) {
  std::vector<std::string> users = UsersOfVolume(listed, volume);
  if (!users.empty()) return users;
  ASSIGN_OR_RETURN(const state::StateStore store, state::StateStore::Open(context.options.root));
  ASSIGN_OR_RETURN(const state::Listing listing, store.List());
  return UsersOfVolume(listing.records, volume);
}

absl::StatusOr<int> RunRemove(Context& context, RemoveFlags& flags, Arguments names) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  ASSIGN_OR_RETURN(const std::vector<runtime::Container> containers, engine->List(nullptr));
  runtime::VolumeStore store(context.options.root);
  int code = 0;
  for (const absl::string_view name : names) {
    const absl::Status removed = store.Remove(name, flags.force, [&](absl::string_view volume) {
      return UsersNow(context, containers, volume);
    });
    if (removed.ok()) {
      context.out.Print(name, "\n");
    } else {
      context.PrintError(removed);
      code = 1;
    }
  }
  return code;
}

constexpr const OptionGroup* kPruneGroups[] = {&kPruneVolumeGroup};

absl::StatusOr<int> RunPrune(Context& context, PruneFlags& flags, Arguments) {
  ASSIGN_OR_RETURN(const bool go_ahead,
                   Confirm(context, flags,
                           flags.all ? "all volumes that no container uses"
                                     : "anonymous volumes that no container uses"));
  if (!go_ahead) return 0;
  uint64_t freed = 0;
  RETURN_IF_ERROR(PruneVolumes(context, flags, flags.all, &freed));
  context.out.Print("Total reclaimed space: ", FormatDecimalBytes(freed), "\n");
  return 0;
}

}  // namespace

absl::Status PruneVolumes(Context& context, const PruneFlags& flags, bool all, uint64_t* freed) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  ASSIGN_OR_RETURN(const std::vector<runtime::Container> containers, engine->List(nullptr));
  runtime::VolumeStore store(context.options.root);
  ASSIGN_OR_RETURN(const std::vector<runtime::Volume> volumes, store.List(nullptr));
  std::map<std::string, uint64_t> sizes;  // of those to be removed
  for (const runtime::Volume& volume : volumes) {
    if ((all || volume.anonymous) && flags.filter.MatchesLabels(volume.labels)) {
      sizes[volume.name] = DiskUsage(volume.path);
    }
  }
  ASSIGN_OR_RETURN(
      const std::vector<std::string> names,
      store.Prune([&](const runtime::Volume& volume) { return sizes.count(volume.name) > 0; },
                  [&](absl::string_view volume) { return UsersNow(context, containers, volume); }));
  for (const std::string& name : names) {
    context.out.Print(name, "\n");
    *freed += sizes[name];
  }
  return absl::OkStatus();
}

constinit const Command kVolumeCreateCommand = {
    .name = "volume create",
    .summary = "Create a volume",
    .usage = "[OPTIONS] [NAME]",
    .examples = "tiny volume create data\ntiny run -v data:/var/lib/db --rootfs /srv/db dbserver",
    .options = kCreateGroups,
    .max_arguments = 1,
    .run = Run<CreateFlags, RunCreate>,
};
constinit const Command kVolumeLsCommand = {
    .name = "volume ls",
    .aliases = kVolumeLsAliases,
    .summary = "List volumes",
    .usage = "[OPTIONS]",
    .examples = "tiny volume ls -q --filter dangling=true",
    .options = kListGroups,
    .max_arguments = 0,
    .run = Run<ListFlags, RunList>,
};
constinit const Command kVolumeInspectCommand = {
    .name = "volume inspect",
    .summary = "Show all about volumes, as JSON",
    .usage = "[OPTIONS] VOLUME...",
    .examples = "tiny volume inspect -f '{{.Mountpoint}}' data",
    .options = kInspectGroups,
    .min_arguments = 1,
    .run = Run<InspectFlags, RunInspect>,
};
constinit const Command kVolumeRmCommand = {
    .name = "volume rm",
    .aliases = kVolumeRmAliases,
    .summary = "Remove volumes and the files in them",
    .usage = "[OPTIONS] VOLUME...",
    .details = "One that a container uses is an error.",
    .examples = "tiny volume rm data",
    .options = kRemoveGroups,
    .min_arguments = 1,
    .run = Run<RemoveFlags, RunRemove>,
};
constinit const Command kVolumePruneCommand = {
    .name = "volume prune",
    .summary = "Remove volumes that no container uses",
    .usage = "[OPTIONS]",
    .details = "Only anonymous ones, unless --all is given.",
    .examples = "tiny volume prune -f",
    .options = kPruneGroups,
    .max_arguments = 0,
    .run = Run<PruneFlags, RunPrune>,
};

}  // namespace tiny::cli
