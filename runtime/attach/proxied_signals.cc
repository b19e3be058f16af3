#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runtime/attach/attach_client.h"

namespace tiny::runtime {

ProxiedSignals::ProxiedSignals(bool proxy) {
  sigset_t taken;
  sigemptyset(&taken);
  if (proxy) {
    sigfillset(&taken);
    // Not the container's business: the terminal's job control, what cannot be caught, and faults
    // of this process.
    for (const int signal : {SIGCHLD, SIGURG, SIGTTIN, SIGTTOU, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,
                             SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT}) {
      sigdelset(&taken, signal);
    }
  }
  sigaddset(&taken, SIGWINCH);
  sigaddset(&taken, SIGPIPE);
  sigprocmask(SIG_BLOCK, &taken, &original_);
  fd_.Reset(signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC));
}

ProxiedSignals::~ProxiedSignals() {
  // What is still pending was meant for the container, or came of its output: not for us.
  while (Next() != 0) {
  }
  sigprocmask(SIG_SETMASK, &original_, nullptr);
}

int ProxiedSignals::Next() {
  signalfd_siginfo info;
  if (read(fd_.get(), &info, sizeof(info)) != sizeof(info)) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace tiny::runtime
