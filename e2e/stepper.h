// Runs a command under ptrace(2) and strikes one of its processes at one of its system calls: the
// same place each time, and every place in turn.
//
//   const auto calls = Follow(command_line).calls;  // of the client, of the supervisor, ...
//   Stepped run = Strike(command_line, {.process = 1, .call = 40});  // killed right after its 40th
//
// The processes of the tree are numbered in the order of their making: 0 is the command itself. A
// system call counts once it has returned (or, where it is to fail, before it is made); what a
// process does after it has become somebody else's program (its second execve) does not count, nor
// what it does once it waits in epoll_wait(2) with the command gone. After the strike nobody is
// traced. x86-64 only, as are the registers. Thread-hostile: waits for every child.
#ifndef TINY_E2E_STEPPER_H_
#define TINY_E2E_STEPPER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "e2e/harness.h"

namespace tiny::e2e {

struct Blow {
  enum class Kind {
    kNone,
    kKill,  // the process is killed
    kFail,  // the call is not made, and fails as it would on a machine that is out of something
  };
  Kind kind = Kind::kKill;
  size_t process = 0;
  size_t call = 0;  // the first is 1
};

struct Stepped {
  Result result;        // of the command; code 137 where it was the one to be killed
  bool struck = false;  // false: there were fewer calls
  std::vector<std::vector<uint64_t>> calls;  // the numbers of those that each process has made
};

// Also follows the running process `also`, which then is number 1 (0: none).
Stepped Strike(const std::vector<std::string>& command_line, const Blow& blow, pid_t also = 0);
// With no blow.
Stepped Follow(const std::vector<std::string>& command_line, pid_t also = 0);

// Whether Kind::kFail means anything for that call: others can't fail, or nobody could tell.
bool CanFail(uint64_t call);

}  // namespace tiny::e2e

#endif  // TINY_E2E_STEPPER_H_
