// What the containers of the benchmarks run: nothing, with as little start-up as a program can
// have.
#include <sys/syscall.h>

#include "base/raw_syscall.h"

extern "C" [[noreturn]] void _start() {
  while (true) tiny::RawSyscall(SYS_exit_group, 0);
}
