#include "cgroup/stats.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tiny::cgroup {

std::optional<uint64_t> FlatKeyedValue(absl::string_view text, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    uint64_t value = 0;
    if (absl::ConsumePrefix(&line, key) && absl::ConsumePrefix(&line, " ") &&
        absl::SimpleAtoi(line, &value)) {
      return value;
    }
  }
  return std::nullopt;
}

uint64_t SumNestedKeyed(absl::string_view text, absl::string_view key) {
  uint64_t sum = 0;
  for (absl::string_view field : absl::StrSplit(text, absl::ByAnyChar(" \n"))) {
    uint64_t value = 0;
    if (absl::ConsumePrefix(&field, key) && absl::ConsumePrefix(&field, "=") &&
        absl::SimpleAtoi(field, &value)) {
      sum += value;
    }
  }
  return sum;
}

uint64_t SumBlkio(absl::string_view text, absl::string_view operation) {
  uint64_t sum = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    uint64_t value = 0;
    if (fields.size() == 3 && fields[1] == operation && absl::SimpleAtoi(fields[2], &value)) {
      sum += value;
    }
  }
  return sum;
}

}  // namespace tiny::cgroup
