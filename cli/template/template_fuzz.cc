// Any text as a --format template, over a value that has one of each kind.
#include <cstddef>
#include <cstdint>

#include "cli/template/template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tiny::cli::Value;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<tiny::cli::Template> parsed = tiny::cli::Template::Parse(text);
  if (!parsed.ok()) return 0;
  const Value root = Value::Object({
      {"A", "text"},
      {"B", 7},
      {"C", Value(std::vector<std::string>{"x", "y"})},
      {"D", Value::Dictionary({{"k", "v"}})},
      {"E", Value()},
      {"F", Value::Object({{"A", true}, {"B", 1.5}})},
  });
  parsed->Execute(root).status().IgnoreError();
  return 0;
}
