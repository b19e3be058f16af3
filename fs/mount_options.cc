#include "fs/mount_options.h"

#include <sys/mount.h>

#include <algorithm>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tiny::fs {
namespace {

struct Attribute {
  absl::string_view name;
  uint64_t set;
  uint64_t clear;
};

// Each is also an option with "r" before it, for the whole tree.
constexpr Attribute kAttributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
};

// Flags of the superblock that the kernel knows by no name.
struct SuperblockFlag {
  absl::string_view name;
  unsigned long set;
  unsigned long clear;
};
constexpr SuperblockFlag kSuperblockFlags[] = {
    {"silent", MS_SILENT, 0},        {"loud", 0, MS_SILENT},  {"iversion", MS_I_VERSION, 0},
    {"noiversion", 0, MS_I_VERSION}, {"acl", MS_POSIXACL, 0}, {"noacl", 0, MS_POSIXACL},
};

// Those that say what is so anyway, or speak to mount(8) only.
constexpr absl::string_view kIgnored[] = {"defaults", "async",  "auto",    "noauto",
                                          "nomand",   "nouser", "_netdev", "nofail"};

const Attribute* FindAttribute(absl::string_view name) {
  for (const Attribute& attribute : kAttributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

void Apply(const Attribute& attribute, uint64_t* set, uint64_t* clear) {
  *set = (*set & ~attribute.clear) | attribute.set;
  *clear = (*clear & ~attribute.set) | attribute.clear;
}

}  // namespace

absl::StatusOr<Propagation> ParsePropagation(absl::string_view text) {
  Propagation propagation;
  absl::string_view name = text;
  propagation.recursive = absl::StartsWith(name, "r");
  if (propagation.recursive) name.remove_prefix(1);
  if (name == "private") {
    propagation.type = MS_PRIVATE;
  } else if (name == "shared") {
    propagation.type = MS_SHARED;
  } else if (name == "slave") {
    propagation.type = MS_SLAVE;
  } else if (name == "unbindable") {
    propagation.type = MS_UNBINDABLE;
  } else {
    return absl::InvalidArgumentError(absl::StrCat("unknown mount propagation \"", text, "\""));
  }
  return propagation;
}

absl::StatusOr<MountOptions> ParseMountOptions(absl::Span<const std::string> options) {
  MountOptions parsed;
  for (const std::string& option : options) {
    const absl::string_view name = option;
    if (name.empty() ||
        std::find(std::begin(kIgnored), std::end(kIgnored), name) != std::end(kIgnored)) {
      continue;
    }
    if (absl::StrContains(name, '\0')) {
      return absl::InvalidArgumentError("mount option with a NUL byte");
    }
    if (const Attribute* attribute = FindAttribute(name)) {
      Apply(*attribute, &parsed.set, &parsed.clear);
      continue;
    }
    const SuperblockFlag* flag =
        std::find_if(std::begin(kSuperblockFlags), std::end(kSuperblockFlags),
                     [name](const SuperblockFlag& known) { return known.name == name; });
    if (flag != std::end(kSuperblockFlags)) {
      parsed.superblock = (parsed.superblock & ~flag->clear) | flag->set;
      continue;
    }
    if (name == "bind" || name == "rbind") {
      parsed.bind = true;
      parsed.recursive = name == "rbind";
    } else if (name == "idmap") {
      parsed.id_mapping = IdMapping::kMount;
    } else if (name == "ridmap") {
      parsed.id_mapping = IdMapping::kRecursive;
    } else if (name == "tmpcopyup") {
      parsed.copy_up = true;
    } else if (name == "notmpcopyup") {
      parsed.copy_up = false;
    } else if (name == "copy-symlink") {
      parsed.copy_symlink = true;
    } else if (absl::StatusOr<Propagation> propagation = ParsePropagation(name); propagation.ok()) {
      parsed.propagation = *propagation;
    } else if (const Attribute* attribute =
                   name[0] == 'r' ? FindAttribute(name.substr(1)) : nullptr) {
      Apply(*attribute, &parsed.recursive_set, &parsed.recursive_clear);
    } else {
      parsed.data.push_back(option);
    }
  }
  if (parsed.id_mapping == IdMapping::kRecursive && parsed.bind && !parsed.recursive) {
    return absl::InvalidArgumentError("mount option ridmap needs rbind");
  }
  return parsed;
}

unsigned long ToMountFlags(uint64_t attributes) {
  unsigned long flags = 0;
  if (attributes & MOUNT_ATTR_RDONLY) flags |= MS_RDONLY;
  if (attributes & MOUNT_ATTR_NOSUID) flags |= MS_NOSUID;
  if (attributes & MOUNT_ATTR_NODEV) flags |= MS_NODEV;
  if (attributes & MOUNT_ATTR_NOEXEC) flags |= MS_NOEXEC;
  if (attributes & MOUNT_ATTR_NODIRATIME) flags |= MS_NODIRATIME;
  if (attributes & MOUNT_ATTR_NOSYMFOLLOW) flags |= MS_NOSYMFOLLOW;
  switch (attributes & MOUNT_ATTR__ATIME) {
    case MOUNT_ATTR_NOATIME:
      return flags | MS_NOATIME;
    case MOUNT_ATTR_STRICTATIME:
      return flags | MS_STRICTATIME;
    default:
      return flags;
  }
}

}  // namespace tiny::fs
