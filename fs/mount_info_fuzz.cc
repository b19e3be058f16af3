#include <cstdint>

#include "fs/mount_info.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto mounts = tiny::fs::ParseMountInfo(text);
  std::string value;
  if (mounts.ok()) {
    for (const tiny::fs::MountInfo& mount : *mounts) {
      tiny::fs::FindMountOption(mount.super_options, "size", &value);
    }
  }
  return 0;
}
