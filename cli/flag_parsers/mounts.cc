#include "cli/flag_parsers/mounts.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "cli/flag_parsers/csv.h"

namespace tiny::cli {
namespace {

using Type = state::MountConfig::Type;

bool IsPropagation(absl::string_view text) {
  for (const absl::string_view each :
       {"private", "rprivate", "shared", "rshared", "slave", "rslave"}) {
    if (text == each) return true;
  }
  return false;
}

absl::Status SetDestination(absl::string_view text, state::MountConfig* mount) {
  if (!absl::StartsWith(text, "/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("the path in the container, \"", text, "\", is not absolute"));
  }
  mount->destination = CleanPath(text);
  if (mount->destination == "/") {
    return absl::InvalidArgumentError("nothing can be mounted on / of the container");
  }
  return absl::OkStatus();
}

// What is for other systems (labels of SELinux, and the caches of a Mac) and has no effect on this.
bool IsIgnored(absl::string_view option) {
  for (const absl::string_view each : {"z", "Z", "cached", "delegated", "consistent", "default"}) {
    if (option == each) return true;
  }
  return false;
}

absl::Status SetVolumeOptions(absl::string_view options, state::MountConfig* mount) {
  int modes = 0;
  for (const absl::string_view option : absl::StrSplit(options, ',')) {
    if (option == "ro" || option == "rw") {
      if (++modes > 1) return absl::InvalidArgumentError("more than one of ro and rw");
      mount->read_only = option == "ro";
    } else if (option == "nocopy") {
      mount->no_copy = true;
    } else if (IsPropagation(option)) {
      mount->propagation = std::string(option);
    } else if (!IsIgnored(option)) {
      return absl::InvalidArgumentError(absl::StrCat("unknown option \"", option, "\""));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckVolumeName(absl::string_view name) {
  if (IsName(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "\" is neither a path (/..., ./...) nor a volume's name"));
}

// The fields that every type of --mount has, and those of single types with the type they need.
struct MountFields {
  std::string type = "volume";
  std::string source;
  std::string target;
  std::string tmpfs_size;
  std::string tmpfs_mode;
  std::string of_bind;    // the name of a field that only binds have, if one was given
  std::string of_volume;  // the same for volumes
};

// Fields of Docker's that are about a volume which is not there yet.
absl::Status RefuseVolumeField(absl::string_view key) {
  absl::Status refused = absl::UnimplementedError(
      absl::StrCat("field ", key, " is not supported: volumes are folders of this machine"));
  if (key == "volume-driver") return refused;
  return WithHint(std::move(refused),
                  absl::StrCat("Make the volume first: tiny volume create ",
                               key == "volume-label" ? "--label KEY=VALUE"
                                                     : "-o type=none -o o=bind -o device=FOLDER",
                               " NAME"));
}

absl::Status SetMountField(const KeyValue& field, MountFields* fields, state::MountConfig* mount) {
  const std::string& key = field.key;
  if (key == "type") {
    fields->type = field.value;
  } else if (key == "source" || key == "src") {
    fields->source = field.value;
  } else if (key == "target" || key == "dst" || key == "destination") {
    fields->target = field.value;
  } else if (key == "readonly" || key == "ro") {
    ASSIGN_OR_RETURN(mount->read_only, ParseSwitch(field));
  } else if (key == "bind-propagation") {
    if (!IsPropagation(field.value)) {
      return absl::InvalidArgumentError(absl::StrCat("invalid propagation \"", field.value, "\""));
    }
    mount->propagation = field.value;
    fields->of_bind = key;
  } else if (key == "bind-recursive") {
    if (field.value != "enabled" && field.value != "disabled" && field.value != "readonly" &&
        field.value != "writable") {
      return absl::InvalidArgumentError(
          absl::StrCat("invalid bind-recursive \"", field.value, "\""));
    }
    mount->recursive = field.value != "disabled";
    fields->of_bind = key;
  } else if (key == "bind-create-src") {
    ASSIGN_OR_RETURN(mount->create_source, ParseSwitch(field));
    fields->of_bind = key;
  } else if (key == "volume-nocopy") {
    ASSIGN_OR_RETURN(mount->no_copy, ParseSwitch(field));
    fields->of_volume = key;
  } else if (key == "volume-subpath") {
    mount->volume_subpath = field.value;
    fields->of_volume = key;
  } else if (key == "tmpfs-size") {
    fields->tmpfs_size = field.value;
  } else if (key == "tmpfs-mode") {
    fields->tmpfs_mode = field.value;
  } else if (key == "volume-label" || key == "volume-opt" || key == "volume-driver") {
    if (key == "volume-driver" && field.value == "local") return absl::OkStatus();
    return RefuseVolumeField(key);
  } else if (key != "consistency") {
    return absl::InvalidArgumentError(absl::StrCat("unknown field \"", key, "\""));
  }
  return absl::OkStatus();
}

absl::Status SetTmpfsOptions(const MountFields& fields, state::MountConfig* mount) {
  std::vector<std::string> options;
  if (!fields.tmpfs_size.empty()) {
    ASSIGN_OR_RETURN(const int64_t size, ParseBytes(fields.tmpfs_size));
    options.push_back(absl::StrCat("size=", size));
  }
  if (!fields.tmpfs_mode.empty()) {
    const bool octal = fields.tmpfs_mode.size() <= 5 &&
                       fields.tmpfs_mode.find_first_not_of("01234567") == std::string::npos;
    if (!octal) {
      return absl::InvalidArgumentError(
          absl::StrCat("invalid tmpfs-mode \"", fields.tmpfs_mode, "\": want octal digits"));
    }
    options.push_back(absl::StrCat("mode=", fields.tmpfs_mode));
  }
  mount->tmpfs_options = absl::StrJoin(options, ",");
  return absl::OkStatus();
}

// Those of tmpfs(5), and those of every mount.
absl::Status CheckTmpfsOption(absl::string_view option) {
  constexpr absl::string_view kWords[] = {
      "ro",       "rw",         "exec",        "noexec",        "suid",       "nosuid",  "dev",
      "nodev",    "atime",      "noatime",     "diratime",      "nodiratime", "sync",    "async",
      "relatime", "norelatime", "strictatime", "nostrictatime", "inode32",    "inode64", "noswap"};
  if (std::count(std::begin(kWords), std::end(kWords), option) > 0) return absl::OkStatus();
  const size_t equals = option.find('=');
  const absl::string_view key = option.substr(0, equals);
  const absl::string_view value =
      equals == absl::string_view::npos ? "" : option.substr(equals + 1);
  const bool is_size = key == "size" || key == "nr_blocks" || key == "nr_inodes";
  if (is_size && ParseBytes(absl::StripSuffix(value, "%")).ok()) return absl::OkStatus();
  uint32_t number = 0;
  if ((key == "uid" || key == "gid") && absl::SimpleAtoi(value, &number)) return absl::OkStatus();
  const bool is_octal = !value.empty() && value.size() <= 5 &&
                        value.find_first_not_of("01234567") == absl::string_view::npos;
  if (key == "mode" && is_octal) return absl::OkStatus();
  if ((key == "huge" || key == "mpol") && !value.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", option, "\" is no option of a tmpfs"));
}

absl::Status CheckFieldsOfType(const MountFields& fields) {
  const auto wrong = [&](absl::string_view field) {
    return absl::InvalidArgumentError(
        absl::StrCat("field ", field, " does not go with type=", fields.type));
  };
  if (fields.type != "bind" && !fields.of_bind.empty()) return wrong(fields.of_bind);
  if (fields.type != "volume" && !fields.of_volume.empty()) return wrong(fields.of_volume);
  if (fields.type != "tmpfs" && !fields.tmpfs_size.empty()) return wrong("tmpfs-size");
  if (fields.type != "tmpfs" && !fields.tmpfs_mode.empty()) return wrong("tmpfs-mode");
  if (fields.type == "tmpfs" && !fields.source.empty()) return wrong("source");
  return absl::OkStatus();
}

}  // namespace

std::string CleanPath(absl::string_view path, absl::string_view base) {
  const std::string whole =
      absl::StartsWith(path, "/") ? std::string(path) : absl::StrCat(base, "/", path);
  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  return absl::StrCat("/", absl::StrJoin(parts, "/"));
}

absl::StatusOr<state::MountConfig> ParseVolume(absl::string_view text,
                                               absl::string_view working_dir,
                                               absl::string_view home) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (text.empty() || parts.size() > 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not of the form [SOURCE:]TARGET[:OPTIONS]"));
  }
  state::MountConfig mount;
  RETURN_IF_ERROR(SetDestination(parts.size() == 1 ? parts[0] : parts[1], &mount));
  if (parts.size() == 3) RETURN_IF_ERROR(SetVolumeOptions(parts[2], &mount));
  if (parts.size() == 1) {
    mount.type = Type::kVolume;
    return mount;
  }
  const absl::string_view source = parts[0];
  if (source.empty()) return absl::InvalidArgumentError("no source before the colon");
  if (source[0] == '/' || source[0] == '.') {
    mount.source = CleanPath(source, working_dir);
  } else if (source == "~" || absl::StartsWith(source, "~/")) {
    mount.source = CleanPath(absl::StrCat(".", source.substr(1)), home);
  } else {
    RETURN_IF_ERROR(CheckVolumeName(source));
    mount.source = std::string(source);
    mount.type = Type::kVolume;
    return mount;
  }
  mount.type = Type::kBind;
  mount.create_source = true;
  return mount;
}

absl::StatusOr<state::MountConfig> ParseMount(absl::string_view text,
                                              absl::string_view working_dir) {
  ASSIGN_OR_RETURN(const std::vector<KeyValue> all, SplitKeyValues(text));
  MountFields fields;
  state::MountConfig mount;
  for (const KeyValue& field : all) RETURN_IF_ERROR(SetMountField(field, &fields, &mount));
  RETURN_IF_ERROR(CheckFieldsOfType(fields));
  if (fields.target.empty()) return absl::InvalidArgumentError("no target is given");
  RETURN_IF_ERROR(SetDestination(fields.target, &mount));
  if (fields.type == "bind") {
    if (fields.source.empty()) return absl::InvalidArgumentError("type=bind needs a source");
    mount.type = Type::kBind;
    mount.source = CleanPath(fields.source, working_dir);
  } else if (fields.type == "volume") {
    mount.type = Type::kVolume;
    if (!fields.source.empty()) RETURN_IF_ERROR(CheckVolumeName(fields.source));
    mount.source = fields.source;
  } else if (fields.type == "tmpfs") {
    mount.type = Type::kTmpfs;
    RETURN_IF_ERROR(SetTmpfsOptions(fields, &mount));
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("unsupported type \"", fields.type, "\": want bind, volume or tmpfs"));
  }
  return mount;
}

absl::StatusOr<state::MountConfig> ParseTmpfs(absl::string_view text) {
  state::MountConfig mount;
  mount.type = Type::kTmpfs;
  const size_t colon = text.find(':');
  RETURN_IF_ERROR(SetDestination(text.substr(0, colon), &mount));
  if (colon == absl::string_view::npos) return mount;
  mount.tmpfs_options = std::string(text.substr(colon + 1));
  for (const absl::string_view option : absl::StrSplit(mount.tmpfs_options, ',')) {
    RETURN_IF_ERROR(CheckTmpfsOption(option));
  }
  return mount;
}

}  // namespace tiny::cli
