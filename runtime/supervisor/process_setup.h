// Makes a forked child of a client into a supervisor: a process of its own that nobody waits for.
// `name` is what ps(1) shows, of at most 15 characters.
#ifndef TINY_RUNTIME_SUPERVISOR_PROCESS_SETUP_H_
#define TINY_RUNTIME_SUPERVISOR_PROCESS_SETUP_H_

#include <optional>

namespace tiny::runtime {

// What must be so before the container starts: a session of its own, all signals blocked (a
// supervisor ends with its container only; the machine's shutdown ends both), "/" as its working
// directory, umask 022, stdio on /dev/null.
void BecomeSupervisor(const char* name);

// What may wait until the client has been told: closes what was inherited from the shell, which is
// every descriptor without FD_CLOEXEC; asks the kernel to spare this process when memory runs out,
// where it may; and gives unused memory back. Returns the oom_score_adj from before, which what is
// started from now on has to be given, if it was changed.
std::optional<int> SettleDown();

// The last thing before a long sleep: what the start has mapped of the program goes from this
// process's memory (1.8 MB), and what it wakes up for is mapped again.
void DropReadOnlyPages();

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_PROCESS_SETUP_H_
