// --filter of networks and volumes, and the question before a prune.
#ifndef TINY_CLI_OBJECT_FILTER_H_
#define TINY_CLI_OBJECT_FILTER_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/context.h"

namespace tiny::cli {

// Terms "key=value" with keys out of a list. Thread-compatible.
class ObjectFilter {
 public:
  // kInvalidArgument for a key that is not one of `keys`.
  absl::Status Add(absl::string_view term, absl::Span<const absl::string_view> keys);

  bool Has(absl::string_view key) const;
  // True where no term of the key was given, or one of them is `accepted`.
  template <typename Accepts>
  bool Any(absl::string_view key, Accepts accepts) const {
    bool given = false;
    for (const auto& [name, value] : terms_) {
      if (name != key) continue;
      if (accepts(value)) return true;
      given = true;
    }
    return !given;
  }
  // The terms label= and label!= all hold.
  bool MatchesLabels(const std::map<std::string, std::string>& labels) const;

 private:
  std::vector<std::pair<std::string, std::string>> terms_;
};

// Asks on the terminal; true for "y". Without a terminal to ask on: kFailedPrecondition, with the
// hint to use --force.
absl::StatusOr<bool> Confirm(Context& context, absl::string_view warning);

}  // namespace tiny::cli

#endif  // TINY_CLI_OBJECT_FILTER_H_
