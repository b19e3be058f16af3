// Stands in for libFuzzer's main: runs the target once on each file below the folders named, on
// each of its prefixes, and on copies with one byte changed.
#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/status/statusor.h"
#include "base/files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

// Enough to reach every length check, without making a large seed take minutes.
constexpr size_t kMostVariants = 2000;

void RunVariants(const std::string& input) {
  Run(input);
  const size_t stride = input.size() / kMostVariants + 1;
  for (size_t length = 0; length < input.size(); length += stride) Run(input.substr(0, length));
  for (size_t at = 0; at < input.size(); at += stride) {
    std::string changed = input;
    for (const char value : {'\0', '\xff', '"', static_cast<char>(changed[at] ^ 1)}) {
      changed[at] = value;
      Run(changed);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  int seeds = 0;
  for (int i = 1; i < argc; ++i) {
    absl::StatusOr<std::vector<std::string>> names = tiny::ListDirectory(argv[i]);
    if (!names.ok()) {
      fprintf(stderr, "%s\n", std::string(names.status().message()).c_str());
      return 1;
    }
    for (const std::string& name : *names) {
      absl::StatusOr<std::string> input = tiny::ReadFile(std::string(argv[i]) + "/" + name);
      if (!input.ok()) return 1;
      RunVariants(*input);
      ++seeds;
    }
  }
  printf("%d seeds\n", seeds);
  return seeds == 0 ? 1 : 0;
}
