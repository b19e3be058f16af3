#include "cli/object_filter.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cli/flag_parsers/csv.h"
#include "cli/object_values.h"

namespace tiny::cli {

absl::Status ObjectFilter::Add(absl::string_view term, absl::Span<const absl::string_view> keys) {
  ASSIGN_OR_RETURN(auto pair, ParseKeyValue(term));
  if (std::find(keys.begin(), keys.end(), pair.first) == keys.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown key \"", pair.first, "\": want ", absl::StrJoin(keys, ", ")));
  }
  terms_.push_back(std::move(pair));
  return absl::OkStatus();
}

bool ObjectFilter::Has(absl::string_view key) const {
  return std::any_of(terms_.begin(), terms_.end(),
                     [&](const auto& term) { return term.first == key; });
}

bool ObjectFilter::MatchesLabels(const std::map<std::string, std::string>& labels) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const auto& term) {
    if (term.first == "label") return HasLabel(labels, term.second);
    if (term.first == "label!") return !HasLabel(labels, term.second);
    return true;
  });
}

absl::StatusOr<bool> Confirm(Context& context, absl::string_view warning) {
  if (isatty(STDIN_FILENO) != 1) {
    return WithHint(absl::FailedPreconditionError("there is no terminal to confirm it on"),
                    "use --force to go ahead without a question");
  }
  context.err.Print("This will remove ", warning, ". Go ahead? [y/N] ");
  context.err.Flush();
  char answer[16] = {};
  const ssize_t length = read(STDIN_FILENO, answer, sizeof(answer) - 1);
  return length > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

}  // namespace tiny::cli
