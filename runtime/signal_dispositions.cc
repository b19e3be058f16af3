#include "runtime/signal_dispositions.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"

namespace tiny::runtime {

std::optional<SignalDispositions> ParseSignalDispositions(absl::string_view status) {
  SignalDispositions result;
  int found = 0;
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    uint64_t* mask = nullptr;
    if (absl::ConsumePrefix(&line, "SigBlk:")) {
      mask = &result.blocked;
    } else if (absl::ConsumePrefix(&line, "SigIgn:")) {
      mask = &result.ignored;
    } else if (absl::ConsumePrefix(&line, "SigCgt:")) {
      mask = &result.caught;
    } else {
      continue;
    }
    if (!absl::SimpleHexAtoi(line, mask)) return std::nullopt;
    ++found;
  }
  if (found != 3) return std::nullopt;
  return result;
}

bool HasNoEffectOnInit(const SignalDispositions& dispositions, int signal) {
  const uint64_t bit = uint64_t{1} << (signal - 1);
  // A blocked one may be awaited by sigwait(3) or a signalfd.
  if ((dispositions.blocked & bit) != 0) return false;
  return (dispositions.caught & bit) == 0;
}

bool IgnoresSignal(pid_t pid, int signal) {
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat("/proc/", pid, "/status"));
  if (!text.ok()) return false;
  const std::optional<SignalDispositions> dispositions = ParseSignalDispositions(*text);
  return dispositions.has_value() && HasNoEffectOnInit(*dispositions, signal);
}

}  // namespace tiny::runtime
