// Whatever the text, a record is parsed or refused, and what is parsed comes back as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "state/config_json.h"
#include "state/state_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto config = tiny::state::ConfigFromJson(text); config.ok()) {
    const std::string written = tiny::state::ConfigToJson(*config);
    const auto read = tiny::state::ConfigFromJson(written);
    if (!read.ok() || tiny::state::ConfigToJson(*read) != written) abort();
  }
  if (const auto state = tiny::state::StateFromJson(text); state.ok()) {
    const std::string written = tiny::state::StateToJson(*state);
    const auto read = tiny::state::StateFromJson(written);
    if (!read.ok() || tiny::state::StateToJson(*read) != written) abort();
  }
  return 0;
}
