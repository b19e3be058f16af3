// A child for the time of one measurement.
#ifndef TINY_BENCH_SHORT_CHILD_H_
#define TINY_BENCH_SHORT_CHILD_H_

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

namespace tiny::bench {

// Runs `function(argument)` in a child made by clone(2) with `flags`, in the memory of the caller
// and beside it only once it has ended: its exit code, or -1. The function must end by _exit(2).
inline int RunInChild(int (*function)(void*), void* argument, int flags) {
  alignas(16) static char stack[65536];
  const pid_t child =
      clone(function, stack + sizeof(stack), flags | CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace tiny::bench

#endif  // TINY_BENCH_SHORT_CHILD_H_
