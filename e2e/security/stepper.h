// Runs a program and all its descendants under ptrace(2), and stops each of them before each system
// call, so that a test can change the world in any window of a race, or let a call fail.
//
//   const Result result = RunStepped(argv, [&](Call& call) {
//     if (call.number == SYS_move_mount && ++count == 3) Exchange("swap", "link");
//   });
//
// Returns when all of them have ended; if nothing happens for 20 s they are killed. x86-64 only.
#ifndef TINY_E2E_SECURITY_STEPPER_H_
#define TINY_E2E_SECURITY_STEPPER_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "e2e/harness.h"

namespace tiny::e2e {

// A system call that is about to be made.
struct Call {
  pid_t pid = 0;
  bool descendant = false;  // of the program, not the program itself
  uint64_t number = 0;
  uint64_t arguments[6] = {};
  int fail_with = 0;  // set by the handler: an errno; the call is then not made

  // The string in the process's memory to which that argument points.
  std::string Text(int argument) const;
};

Result RunStepped(const std::vector<std::string>& argv, const std::function<void(Call&)>& handler);

// Those that look up names in a container's files, or mount.
bool TouchesFiles(const Call& call);

}  // namespace tiny::e2e

#endif  // TINY_E2E_SECURITY_STEPPER_H_
