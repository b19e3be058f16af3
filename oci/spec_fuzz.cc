// Any bytes as a config.json: never a crash, and what was understood survives being written.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "oci/spec_parser.h"
#include "oci/spec_serializer.h"
#include "oci/spec_validator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view json(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<tiny::oci::Spec> spec = tiny::oci::ParseSpec(json);
  if (!spec.ok()) return 0;
  const std::string text = tiny::oci::SerializeSpec(*spec);
  const absl::StatusOr<tiny::oci::Spec> again = tiny::oci::ParseSpec(text);
  if (!again.ok() || tiny::oci::SerializeSpec(*again) != text) abort();
  if (tiny::oci::ValidateSpec(*spec) != tiny::oci::ValidateSpec(*again)) abort();
  return 0;
}
