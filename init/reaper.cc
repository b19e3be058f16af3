// --init: the stub stays as the parent of the program.
#include <errno.h>
#include <linux/wait.h>
#include <signal.h>

#include "init/stub.h"

namespace tiny::init {
namespace {

constexpr unsigned long kTiocspgrp = 0x5410;
constexpr size_t kSetBytes = sizeof(uint64_t);

constexpr uint64_t Bit(int signal) { return uint64_t{1} << (signal - 1); }

// Signals that tell of a fault of the stub itself must not wait in a queue.
constexpr uint64_t kNotForwarded = Bit(SIGFPE) | Bit(SIGILL) | Bit(SIGSEGV) | Bit(SIGBUS) |
                                   Bit(SIGABRT) | Bit(SIGTRAP) | Bit(SIGSYS);

// Reaps all that has ended; true when the program is among it, with its code in `code`.
bool Reap(long program, int* code) {
  bool ended = false;
  for (;;) {
    int status = 0;
    const long pid = RawSyscall(SYS_wait4, -1, &status, WNOHANG, nullptr);
    if (pid <= 0) return ended;
    if (pid != program) continue;
    ended = true;
    *code = (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
  }
}

[[noreturn]] void Serve(long program, uint64_t signals) {
  // From here on nothing of the engine or the container is held.
  RawSyscall(SYS_close_range, 0, ~0U, 0);
  RawSyscall(SYS_chdir, "/");
  for (;;) {
    const long signal = RawSyscall(SYS_rt_sigtimedwait, &signals, nullptr, nullptr, kSetBytes);
    int code = 0;
    if (signal == SIGCHLD) {
      // As pid 1, its end takes all that is left in the namespace with it.
      if (Reap(program, &code)) Exit(code);
    } else if (signal > 0) {
      RawSyscall(SYS_kill, program, signal);
    }
  }
}

}  // namespace

ChildResult BecomeReaper() {
  const uint64_t forwarded = ~kNotForwarded;
  uint64_t before = 0;
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, &forwarded, &before, kSetBytes);
  const long program = RawSyscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (program < 0) return ChildError(program, "fork the program");
  if (program > 0) Serve(program, forwarded);
  // A process group of its own, in the foreground where there is a terminal, as a shell does it.
  const long group = RawSyscall(SYS_getpid);
  RawSyscall(SYS_setpgid, 0, 0);
  const int id = static_cast<int>(group);
  RawSyscall(SYS_ioctl, 0, kTiocspgrp, &id);
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, kSetBytes);
  return ChildResult();
}

}  // namespace tiny::init
