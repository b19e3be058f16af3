#include "security/seccomp/profile_json.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"

namespace tiny::security {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxProfileSize = size_t{4} << 20;

absl::Status Wrong(absl::string_view path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", why));
}

// The member, or nullptr where it is absent or null.
const Json* Find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

absl::StatusOr<std::string> ReadString(const Json& object, const char* key,
                                       absl::string_view path) {
  const Json* value = Find(object, key);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return Wrong(absl::StrCat(path, key), "expected a string");
  return value->get<std::string>();
}

absl::StatusOr<std::optional<uint64_t>> ReadNumber(const Json& object, const char* key,
                                                   absl::string_view path) {
  const Json* value = Find(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned()) {
    return Wrong(absl::StrCat(path, key), "expected a number that is not negative");
  }
  return value->get<uint64_t>();
}

absl::StatusOr<std::vector<std::string>> ReadStrings(const Json& object, const char* key,
                                                     absl::string_view path) {
  std::vector<std::string> strings;
  const Json* list = Find(object, key);
  if (list == nullptr) return strings;
  if (!list->is_array()) return Wrong(absl::StrCat(path, key), "expected a list");
  for (const Json& item : *list) {
    if (!item.is_string()) return Wrong(absl::StrCat(path, key), "expected strings");
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

// An absent list is empty; every element must be an object.
absl::StatusOr<std::vector<const Json*>> ReadObjects(const Json& object, const char* key,
                                                     absl::string_view path) {
  std::vector<const Json*> objects;
  const Json* list = Find(object, key);
  if (list == nullptr) return objects;
  if (!list->is_array()) return Wrong(absl::StrCat(path, key), "expected a list");
  for (const Json& item : *list) {
    if (!item.is_object()) {
      return Wrong(absl::StrCat(path, key, "[", objects.size(), "]"), "expected an object");
    }
    objects.push_back(&item);
  }
  return objects;
}

absl::StatusOr<std::optional<uint32_t>> ReadErrno(const Json& object, const char* key,
                                                  absl::string_view path) {
  ASSIGN_OR_RETURN(const std::optional<uint64_t> number, ReadNumber(object, key, path));
  if (!number) return std::nullopt;
  if (*number > SECCOMP_RET_DATA) return Wrong(absl::StrCat(path, key), "is over 65535");
  return static_cast<uint32_t>(*number);
}

// The names that Docker's profiles give to the machines, which are Go's.
bool IsMachineName(absl::string_view name, Arch arch) {
  switch (arch) {
    case Arch::kX86_64:
      return name == "amd64";
    case Arch::kI386:
      return name == "x86" || name == "386";
    case Arch::kAarch64:
      return name == "arm64";
    case Arch::kArm:
      return name == "arm";
  }
  return false;
}

bool AtLeastKernel(absl::string_view wanted, const ProfileContext& context) {
  const std::vector<absl::string_view> parts = absl::StrSplit(wanted, '.');
  int major = 0;
  int minor = 0;
  if (parts.empty() || !absl::SimpleAtoi(parts[0], &major)) return false;
  if (parts.size() > 1 && !absl::SimpleAtoi(parts[1], &minor)) return false;
  return std::pair(context.kernel_major, context.kernel_minor) >= std::pair(major, minor);
}

// "includes": all conditions must hold. "excludes": none may.
struct Conditions {
  std::vector<std::string> capabilities;
  std::vector<std::string> arches;
  std::string min_kernel;
};

absl::StatusOr<Conditions> ReadConditions(const Json& rule, const char* key,
                                          absl::string_view path) {
  Conditions conditions;
  const Json* object = Find(rule, key);
  if (object == nullptr) return conditions;
  const std::string inner = absl::StrCat(path, key, ".");
  if (!object->is_object()) return Wrong(absl::StrCat(path, key), "expected an object");
  ASSIGN_OR_RETURN(conditions.capabilities, ReadStrings(*object, "caps", inner));
  ASSIGN_OR_RETURN(conditions.arches, ReadStrings(*object, "arches", inner));
  ASSIGN_OR_RETURN(conditions.min_kernel, ReadString(*object, "minKernel", inner));
  return conditions;
}

bool HasCapability(const std::string& name, const ProfileContext& context) {
  const absl::StatusOr<int> capability = CapabilityFromName(name);
  return capability.ok() && context.capabilities.Has(*capability);
}

bool AnyArch(const std::vector<std::string>& names, const ProfileContext& context) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return IsMachineName(name, context.native); });
}

bool Included(const Conditions& c, const ProfileContext& context) {
  return (c.arches.empty() || AnyArch(c.arches, context)) &&
         std::all_of(c.capabilities.begin(), c.capabilities.end(),
                     [&](const std::string& name) { return HasCapability(name, context); }) &&
         (c.min_kernel.empty() || AtLeastKernel(c.min_kernel, context));
}

bool Excluded(const Conditions& c, const ProfileContext& context) {
  return AnyArch(c.arches, context) ||
         std::any_of(c.capabilities.begin(), c.capabilities.end(),
                     [&](const std::string& name) { return HasCapability(name, context); }) ||
         (!c.min_kernel.empty() && AtLeastKernel(c.min_kernel, context));
}

absl::StatusOr<std::vector<ArgumentCheck>> ReadArguments(const Json& rule, absl::string_view path) {
  std::vector<ArgumentCheck> checks;
  ASSIGN_OR_RETURN(const std::vector<const Json*> args, ReadObjects(rule, "args", path));
  for (const Json* arg : args) {
    const std::string inner = absl::StrCat(path, "args[", checks.size(), "].");
    ASSIGN_OR_RETURN(const std::optional<uint64_t> index, ReadNumber(*arg, "index", inner));
    if (index.value_or(0) > 5) return Wrong(inner + "index", "must be 0 to 5");
    ASSIGN_OR_RETURN(const std::optional<uint64_t> value, ReadNumber(*arg, "value", inner));
    ASSIGN_OR_RETURN(const std::optional<uint64_t> two, ReadNumber(*arg, "valueTwo", inner));
    ASSIGN_OR_RETURN(const std::string name, ReadString(*arg, "op", inner));
    const absl::StatusOr<Comparison> op = ParseComparison(name);
    if (!op.ok()) return Annotate(op.status(), inner + "op");
    checks.push_back({.index = static_cast<uint8_t>(index.value_or(0)),
                      .op = *op,
                      .value = value.value_or(0),
                      .value_two = two.value_or(0)});
  }
  return checks;
}

bool AnyIndexTwice(const std::vector<ArgumentCheck>& checks) {
  for (size_t i = 0; i < checks.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (checks[i].index == checks[j].index) return true;
    }
  }
  return false;
}

absl::Status AddRule(const Json& json, const ProfileContext& context, absl::string_view path,
                     Policy& policy) {
  ASSIGN_OR_RETURN(const Conditions includes, ReadConditions(json, "includes", path));
  ASSIGN_OR_RETURN(const Conditions excludes, ReadConditions(json, "excludes", path));
  Rule rule;
  ASSIGN_OR_RETURN(rule.syscalls, ReadStrings(json, "names", path));
  // The form of profiles before 2016.
  ASSIGN_OR_RETURN(std::string name, ReadString(json, "name", path));
  if (!name.empty()) rule.syscalls.push_back(std::move(name));
  ASSIGN_OR_RETURN(const std::string action_name, ReadString(json, "action", path));
  ASSIGN_OR_RETURN(const std::optional<uint32_t> data, ReadErrno(json, "errnoRet", path));
  const absl::StatusOr<Action> action = ParseAction(action_name, data);
  if (!action.ok()) return Annotate(action.status(), absl::StrCat(path, "action"));
  rule.action = *action;
  ASSIGN_OR_RETURN(rule.arguments, ReadArguments(json, path));
  if (!Included(includes, context) || Excluded(excludes, context)) return absl::OkStatus();
  if (!AnyIndexTwice(rule.arguments)) {
    policy.rules.push_back(std::move(rule));
    return absl::OkStatus();
  }
  // Several checks of one argument mean any of them, as in runc.
  for (const ArgumentCheck& check : rule.arguments) {
    policy.rules.push_back({rule.syscalls, rule.action, {check}});
  }
  return absl::OkStatus();
}

void AddArch(const std::string& name, const ProfileContext& context, std::vector<Arch>& arches) {
  const std::optional<Arch> arch = ParseArch(name);
  if (arch && RunsOn(*arch, context.native) &&
      std::find(arches.begin(), arches.end(), *arch) == arches.end()) {
    arches.push_back(*arch);
  }
}

absl::StatusOr<std::vector<Arch>> ReadArches(const Json& profile, const ProfileContext& context) {
  std::vector<Arch> arches = {context.native};
  ASSIGN_OR_RETURN(const std::vector<std::string> flat, ReadStrings(profile, "architectures", ""));
  for (const std::string& name : flat) AddArch(name, context, arches);
  ASSIGN_OR_RETURN(const std::vector<const Json*> map, ReadObjects(profile, "archMap", ""));
  for (size_t i = 0; i < map.size(); ++i) {
    const std::string path = absl::StrCat("archMap[", i, "].");
    ASSIGN_OR_RETURN(const std::string name, ReadString(*map[i], "architecture", path));
    ASSIGN_OR_RETURN(const std::vector<std::string> others,
                     ReadStrings(*map[i], "subArchitectures", path));
    if (ParseArch(name) != context.native) continue;
    for (const std::string& other : others) AddArch(other, context, arches);
  }
  return arches;
}

}  // namespace

absl::StatusOr<Policy> ParseSeccompProfile(absl::string_view json, const ProfileContext& context) {
  if (json.size() > kMaxProfileSize) return Wrong("profile", "is over 4 MiB");
  const Json profile = Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (!profile.is_object()) return Wrong("profile", "is not a JSON object");
  Policy policy;
  ASSIGN_OR_RETURN(const std::string name, ReadString(profile, "defaultAction", ""));
  ASSIGN_OR_RETURN(const std::optional<uint32_t> data, ReadErrno(profile, "defaultErrnoRet", ""));
  const absl::StatusOr<Action> action = ParseAction(name, data);
  if (!action.ok()) return Annotate(action.status(), "defaultAction");
  policy.default_action = *action;
  policy.newer_is_enosys = true;
  ASSIGN_OR_RETURN(policy.architectures, ReadArches(profile, context));
  ASSIGN_OR_RETURN(const std::vector<std::string> flags, ReadStrings(profile, "flags", ""));
  for (const std::string& flag : flags) {
    const absl::StatusOr<uint64_t> bit = ParseFilterFlag(flag);
    if (!bit.ok()) return Annotate(bit.status(), "flags");
    policy.flags |= *bit;
  }
  ASSIGN_OR_RETURN(policy.listener_path, ReadString(profile, "listenerPath", ""));
  ASSIGN_OR_RETURN(policy.listener_metadata, ReadString(profile, "listenerMetadata", ""));
  ASSIGN_OR_RETURN(const std::vector<const Json*> rules, ReadObjects(profile, "syscalls", ""));
  for (size_t i = 0; i < rules.size(); ++i) {
    RETURN_IF_ERROR(AddRule(*rules[i], context, absl::StrCat("syscalls[", i, "]."), policy));
  }
  return policy;
}

}  // namespace tiny::security
