// What the containers of the benchmarks run, with as little start-up as a program can have:
// nothing; or, called "wait-for-term", it waits for SIGTERM.
#include <signal.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"

// argc, argv[0], ...: the last byte of the name tells the two apart.
extern "C" [[noreturn]] void PayloadMain(const long* stack) {
  const char* name = reinterpret_cast<const char*>(stack[1]);
  while (name[1] != '\0') ++name;
  if (*name == 'm') {
    const unsigned long term = 1ul << (SIGTERM - 1);
    tiny::RawSyscall(SYS_rt_sigprocmask, SIG_BLOCK, &term, nullptr, sizeof(term));
    tiny::RawSyscall(SYS_rt_sigtimedwait, &term, nullptr, nullptr, sizeof(term));
  }
  while (true) tiny::RawSyscall(SYS_exit_group, 0);
}

// The kernel enters with the stack pointer at argc.
#if defined(__x86_64__)
asm(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call PayloadMain\n");
#else
asm(".globl _start\n_start:\n mov x0, sp\n bl PayloadMain\n");
#endif
