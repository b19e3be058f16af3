#include <cstdint>

#include "runtime/files/tar_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto header = tiny::runtime::ParseTarHeader(text.substr(0, tiny::runtime::kTarBlock));
  tiny::runtime::TarMember member;
  if (header.ok()) member = header->member;
  tiny::runtime::ApplyPaxRecords(text, member).IgnoreError();
  tiny::runtime::RenderTarHeader(member);
  return 0;
}
