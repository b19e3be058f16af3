// --filter of networks and volumes, and what the prune commands share: their flags and the
// question.
#ifndef TINY_CLI_OBJECT_FILTER_H_
#define TINY_CLI_OBJECT_FILTER_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "cli/context.h"
#include "cli/option.h"

namespace tiny::cli {

// Terms "key=value" with keys out of a list. Thread-compatible.
class ObjectFilter {
 public:
  // kInvalidArgument for a key that is not one of `keys`, and an until= that is no time.
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
  // Those, and what is asked for with until= is older.
  bool Matches(const std::map<std::string, std::string>& labels, absl::Time created_at) const;

 private:
  std::vector<std::pair<std::string, std::string>> terms_;
  absl::Time until_ = absl::InfiniteFuture();
};

struct PruneFlags {
  bool force = false;
  bool all = false;
  bool volumes = false;
  ObjectFilter filter;
};
extern const OptionGroup kPruneGroup;        // --force, and --filter by label and time
extern const OptionGroup kPruneVolumeGroup;  // --force, and --filter by label

// Unless --force is given, asks, and reads the answer from standard input; true for "y". Where that
// ends without an answer: kFailedPrecondition, with the hint to use --force.
absl::StatusOr<bool> Confirm(Context& context, const PruneFlags& flags, absl::string_view warning);

}  // namespace tiny::cli

#endif  // TINY_CLI_OBJECT_FILTER_H_
