// What a process does with a signal, from /proc/PID/status.
#ifndef TINY_RUNTIME_SIGNAL_DISPOSITIONS_H_
#define TINY_RUNTIME_SIGNAL_DISPOSITIONS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace tiny::runtime {

// Bit n-1 is signal n.
struct SignalDispositions {
  uint64_t blocked = 0;
  uint64_t ignored = 0;
  uint64_t caught = 0;
};

// From the SigBlk, SigIgn and SigCgt lines; nothing if one is missing or malformed. Pure.
std::optional<SignalDispositions> ParseSignalDispositions(absl::string_view status);

// True where the signal has no effect on the first process of a container: it is ignored or, as
// the kernel shields the first process of a process namespace from default actions, not caught.
bool HasNoEffectOnInit(const SignalDispositions& dispositions, int signal);

// The same of a process; false where it can't be told.
bool IgnoresSignal(pid_t pid, int signal);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SIGNAL_DISPOSITIONS_H_
