#include "oci/resources_validator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace tiny::oci {
namespace {

absl::Status Wrong(absl::string_view field, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat("linux.resources.", field, ": ", rule));
}

absl::Status ValidateDeviceRules(const std::vector<DeviceRule>& rules) {
  for (size_t i = 0; i < rules.size(); ++i) {
    const DeviceRule& rule = rules[i];
    const std::string path = absl::StrCat("devices[", i, "]");
    if (!rule.type.empty() && rule.type != "a" && rule.type != "b" && rule.type != "c") {
      return Wrong(path + ".type", absl::StrCat("unknown type ", rule.type));
    }
    if (rule.access.find_first_not_of("rwm") != std::string::npos) {
      return Wrong(path + ".access", "must be of r, w and m");
    }
    // -1 is what engines write for any number.
    if ((rule.major && *rule.major < -1) || (rule.minor && *rule.minor < -1)) {
      return Wrong(path, "major and minor must not be negative");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateMemory(const MemoryResources& memory) {
  const std::pair<const char*, const std::optional<int64_t>*> sizes[] = {
      {"memory.limit", &memory.limit},
      {"memory.reservation", &memory.reservation},
      {"memory.swap", &memory.swap},
      {"memory.kernel", &memory.kernel},
      {"memory.kernelTCP", &memory.kernel_tcp},
  };
  for (const auto& [name, size] : sizes) {
    if (*size && **size < -1) return Wrong(name, "must be -1 (no limit) or more");
  }
  if (memory.swappiness && *memory.swappiness > 100) {
    return Wrong("memory.swappiness", "must be 0 to 100");
  }
  if (memory.swap && *memory.swap > 0 && memory.limit && *memory.limit > *memory.swap) {
    return Wrong("memory.swap", "is memory and swap together, so it must not be below limit");
  }
  return absl::OkStatus();
}

// "64KB", "2MB", "1GB".
bool IsPageSize(absl::string_view text) {
  if (!absl::ConsumeSuffix(&text, "KB") && !absl::ConsumeSuffix(&text, "MB") &&
      !absl::ConsumeSuffix(&text, "GB")) {
    return false;
  }
  return !text.empty() && text[0] != '0' &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

}  // namespace

absl::Status ValidateResources(const Resources& resources) {
  RETURN_IF_ERROR(ValidateDeviceRules(resources.devices));
  if (resources.memory) RETURN_IF_ERROR(ValidateMemory(*resources.memory));
  for (size_t i = 0; i < resources.hugepage_limits.size(); ++i) {
    if (!IsPageSize(resources.hugepage_limits[i].page_size)) {
      return Wrong(absl::StrCat("hugepageLimits[", i, "].pageSize"),
                   "must be like 64KB, 2MB or 1GB");
    }
  }
  if (resources.block_io) {
    const std::vector<WeightDevice>& devices = resources.block_io->weight_device;
    for (size_t i = 0; i < devices.size(); ++i) {
      if (!devices[i].weight && !devices[i].leaf_weight) {
        return Wrong(absl::StrCat("blockIO.weightDevice[", i, "]"), "has no weight");
      }
    }
  }
  for (const auto& [device, limit] : resources.rdma) {
    if (!limit.hca_handles && !limit.hca_objects) {
      return Wrong(absl::StrCat("rdma.", device), "needs hcaHandles or hcaObjects");
    }
  }
  for (const auto& [file, value] : resources.unified) {
    if (file.empty() || absl::StrContains(file, '/') || file == "." || file == "..") {
      return Wrong("unified", absl::StrCat("\"", file, "\" is no name of a file"));
    }
  }
  if (resources.cpu && resources.cpu->idle && *resources.cpu->idle != 0 &&
      *resources.cpu->idle != 1) {
    return Wrong("cpu.idle", "must be 0 or 1");
  }
  return absl::OkStatus();
}

}  // namespace tiny::oci
