// Whether what a record says is still true: records outlive processes, supervisors and boots.
//
//   const Liveness liveness = ProbeLiveness(record.state);
//   record.state = Reconcile(record.state, liveness);
#ifndef TINY_STATE_LIVENESS_H_
#define TINY_STATE_LIVENESS_H_

#include "state/container_state.h"

namespace tiny::state {

// True while there is, or is to be again, a process: running, paused, restarting.
bool IsActive(Status status);

// What the kernel says about the processes that a record names.
struct Liveness {
  bool same_boot = false;         // the record was written since this machine started
  bool init_alive = false;        // the very process, not a later one with its pid
  bool supervisor_alive = false;  // likewise
};

// Asks procfs; no system call for a record that names no process. Thread-safe.
Liveness ProbeLiveness(const ContainerState& recorded);

// The record, corrected. Pure. A container that was up when the machine went down, or whose process
// and supervisor are both gone, is exited with exit code -1 and an error that says why; one whose
// supervisor lives is left to it.
ContainerState Reconcile(const ContainerState& recorded, const Liveness& liveness);

}  // namespace tiny::state

#endif  // TINY_STATE_LIVENESS_H_
