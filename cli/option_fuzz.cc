// A command line, split by NULs: parsed or refused, by the grammar of run and of other commands.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "cli/option.h"

namespace tiny::cli {
namespace {

struct Flags {
  bool detach = false;
  int64_t number = 0;
  std::optional<std::string> name;
  std::vector<std::string> env;
};
constexpr Option kOptions[] = {
    {'d', "detach", "", "a switch", Set<&Flags::detach>},
    {'n', "number", "n", "a number", Set<&Flags::number>},
    {0, "name", "text", "a text", Set<&Flags::name>},
    {'e', "env", "text", "a list", Set<&Flags::env>},
    {0, "refused", "text", "why"},
};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr const OptionGroup* kGroups[] = {&kGroup};

}  // namespace
}  // namespace tiny::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiny::cli;  // NOLINT
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<absl::string_view> words = absl::StrSplit(text, '\0');
  for (const bool stop : {false, true}) {
    Flags flags;
    const auto parsed = ParseOptions(kGroups, words, {.stop_at_positional = stop}, &flags);
    if (parsed.ok() && parsed->positionals.size() > words.size()) __builtin_trap();
  }
  return 0;
}
