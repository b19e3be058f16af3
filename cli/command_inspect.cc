// tiny inspect: containers, and networks and volumes by their names.
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/inspect_json.h"
#include "cli/object_values.h"
#include "cli/writable_size.h"

namespace tiny::cli {
namespace {

struct Flags {
  std::string format;
  std::string type;
  bool size = false;
};

constexpr Option kOptions[] = {
    {'f', "format", "form", "json, or a template such as {{.State.Pid}}", Set<&Flags::format>},
    {'s', "size", "", "Add how many bytes each container has written", Set<&Flags::size>},
    {0, "type", "kind", "Only a container, network or volume",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       if (v != "container" && v != "network" && v != "volume") {
         return absl::InvalidArgumentError("want container, network or volume");
       }
       f.type = std::string(v);
       return absl::OkStatus();
     }>},
};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr const OptionGroup* kGroups[] = {&kGroup};

absl::StatusOr<Value> InspectContainer(Context& context, const Flags& flags,
                                       absl::string_view name) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  ASSIGN_OR_RETURN(const runtime::Container container, engine->Inspect(name));
  Value value = InspectValue(container, context.options.root);
  if (flags.size) value.Set("SizeRw", WritableSize(context, container));
  return value;
}

absl::StatusOr<Value> InspectNetwork(Context& context, absl::string_view name) {
  ASSIGN_OR_RETURN(const auto networks, context.Networks());
  ASSIGN_OR_RETURN(const runtime::Network network, networks->Inspect(name));
  ASSIGN_OR_RETURN(const auto endpoints, networks->Endpoints(network));
  return NetworkValue(network, endpoints);
}

absl::StatusOr<Value> InspectVolume(Context& context, absl::string_view name) {
  ASSIGN_OR_RETURN(const runtime::Volume volume,
                   runtime::VolumeStore(context.options.root).Inspect(name));
  return VolumeValue(volume);
}

// A name is a container's first of all, then a network's, then a volume's.
absl::StatusOr<Value> InspectAny(Context& context, const Flags& flags, absl::string_view name) {
  absl::StatusOr<Value> container;
  if (flags.type.empty() || flags.type == "container") {
    container = InspectContainer(context, flags, name);
    if (!flags.type.empty() || !absl::IsNotFound(container.status())) return container;
  }
  if (flags.type == "network") return InspectNetwork(context, name);
  if (flags.type == "volume") return InspectVolume(context, name);
  if (absl::StatusOr<Value> volume = InspectVolume(context, name); volume.ok()) return volume;
  if (absl::StatusOr<Value> network = InspectNetwork(context, name); network.ok()) return network;
  return absl::NotFoundError(absl::StrCat("no such container, network or volume: ", name));
}

}  // namespace

absl::StatusOr<int> InspectAll(Context& context, absl::string_view format, Arguments names,
                               absl::FunctionRef<absl::StatusOr<Value>(absl::string_view)> look) {
  std::vector<absl::Status> errors;
  Value found = Value(Value::List());
  std::string text;
  for (const absl::string_view name : names) {
    absl::StatusOr<Value> value = look(name);
    if (!value.ok()) {
      errors.push_back(context.ExplainMissing(value.status(), name));
    } else if (format.empty() || format == "json") {
      found.Append(*std::move(value));
    } else {
      ASSIGN_OR_RETURN(const std::string line, FormatValue(format, *value));
      absl::StrAppend(&text, line, "\n");
    }
  }
  if (format.empty() || format == "json") {
    ASSIGN_OR_RETURN(text, FormatValue(format, found));
    text += "\n";
  }
  PrintText(context.out, text);
  for (const absl::Status& error : errors) context.PrintError(error);
  return errors.empty() ? 0 : 1;
}

namespace {

absl::StatusOr<int> RunInspect(Context& context, Flags& flags, Arguments names) {
  return InspectAll(context, flags.format, names,
                    [&](absl::string_view name) { return InspectAny(context, flags, name); });
}

}  // namespace

constinit const Command kInspectCommand = {
    .name = "inspect",
    .aliases = kInspectAliases,
    .summary = "Show all about containers, networks and volumes, as JSON",
    .usage = "[OPTIONS] NAME...",
    .details = "The fields have Docker's names.",
    .examples =
        "tiny inspect web\n"
        "tiny inspect -f '{{.State.Status}} {{.NetworkSettings.IPAddress}}' web\n"
        "tiny inspect -f '{{json .Mounts}}' web",
    .options = kGroups,
    .min_arguments = 1,
    .run = Run<Flags, RunInspect>,
};

}  // namespace tiny::cli
