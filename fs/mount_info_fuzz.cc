#include <cstdint>

#include "fs/mount_info.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  tiny::fs::ParseMountInfo(text).IgnoreError();
  return 0;
}
