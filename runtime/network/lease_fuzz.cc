// A link that is a lease names an owner, and is written as it was read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runtime/network/lease_store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lease = tiny::runtime::ParseLease(text);
  if (!lease.has_value()) return 0;
  const auto again = tiny::runtime::ParseLease(lease->Text());
  if (!again.has_value() || again->Text() != lease->Text()) abort();
  if (again->container != lease->container || again->values != lease->values) abort();
  return 0;
}
