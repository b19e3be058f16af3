#include "cli/object_filter.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cli/flag_parsers/csv.h"
#include "cli/flag_parsers/times.h"
#include "cli/object_values.h"

namespace tiny::cli {
namespace {

constexpr absl::string_view kPruneKeys[] = {"label", "label!", "until"};

constexpr Option kForce = {'f', "force", "", "Do not ask", Set<&PruneFlags::force>};
constexpr Option kPruneOptions[] = {
    kForce,
    {0, "filter", "key=value", "Only those that match (until=TIME, label=KEY, label!=KEY)",
     Apply<[](PruneFlags& f, absl::string_view v) { return f.filter.Add(v, kPruneKeys); }>},
};
constexpr Option kPruneVolumeOptions[] = {
    kForce,
    {0, "filter", "key=value", "Only those that match (label=KEY, label!=KEY)",
     Apply<[](PruneFlags& f, absl::string_view v) {
       return f.filter.Add(v, absl::MakeSpan(kPruneKeys, 2));
     }>},
    {'a', "all", "", "Named volumes too", Set<&PruneFlags::all>},
};

}  // namespace

absl::Status ObjectFilter::Add(absl::string_view term, absl::Span<const absl::string_view> keys) {
  ASSIGN_OR_RETURN(auto pair, ParseKeyValue(term));
  if (std::find(keys.begin(), keys.end(), pair.first) == keys.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown key \"", pair.first, "\": want ", absl::StrJoin(keys, ", ")));
  }
  if (pair.first == "until") {
    ASSIGN_OR_RETURN(const absl::Time until, ParseMoment(pair.second, absl::Now()));
    until_ = std::min(until_, until);
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

bool ObjectFilter::Matches(const std::map<std::string, std::string>& labels,
                           absl::Time created_at) const {
  return created_at < until_ && MatchesLabels(labels);
}

constinit const OptionGroup kPruneGroup = {"", kPruneOptions};
constinit const OptionGroup kPruneVolumeGroup = {"", kPruneVolumeOptions};

absl::StatusOr<bool> Confirm(Context& context, const PruneFlags& flags, absl::string_view warning) {
  if (flags.force) return true;
  if (isatty(STDIN_FILENO) == 1) {
    context.err.Print("This will remove ", warning, ". Go ahead? [y/N] ");
    context.err.Flush();
  }
  char answer[16] = {};
  if (read(STDIN_FILENO, answer, sizeof(answer) - 1) <= 0) {
    return WithHint(absl::FailedPreconditionError("nobody has answered the question"),
                    "use --force to go ahead without a question");
  }
  return answer[0] == 'y' || answer[0] == 'Y';
}

}  // namespace tiny::cli
