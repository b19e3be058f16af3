#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "fs/mount_options.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> options = absl::StrSplit(text, ',');
  const auto parsed = tiny::fs::ParseMountOptions(options);
  // What is set is never cleared too.
  if (parsed.ok() && (parsed->set & parsed->clear & ~uint64_t{0x70}) != 0) __builtin_trap();
  return 0;
}
