#include "e2e/stepper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/unique_fd.h"

namespace tiny::e2e {
namespace {

constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                          PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
constexpr unsigned kPatienceSeconds = 20;
constexpr int kSyscallStop = SIGTRAP | 0x80;

// An errno that such a call fails with when the machine is out of something; nothing for calls that
// can't, or whose failure a program can't see.
std::optional<int> ScarcityOf(uint64_t call) {
  switch (call) {
    case SYS_openat:
    case SYS_openat2:
    case SYS_open_tree:
    case SYS_fsopen:
    case SYS_fsmount:
    case SYS_socket:
    case SYS_socketpair:
    case SYS_pipe2:
    case SYS_memfd_create:
    case SYS_epoll_create1:
    case SYS_pidfd_open:
    case SYS_accept4:
    case SYS_dup3:
      return EMFILE;
    case SYS_write:
    case SYS_pwrite64:
    case SYS_mkdirat:
    case SYS_mkdir:
    case SYS_mknodat:
    case SYS_symlinkat:
    case SYS_linkat:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_rename:
    case SYS_ftruncate:
    case SYS_bind:
      return ENOSPC;
    case SYS_read:
    case SYS_pread64:
    case SYS_getdents64:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_readlinkat:
      return EIO;
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone:
    case SYS_clone3:
    case SYS_mount:
    case SYS_move_mount:
    case SYS_fsconfig:
    case SYS_mount_setattr:
    case SYS_pivot_root:
    case SYS_unshare:
    case SYS_setns:
    case SYS_sendmsg:
    case SYS_epoll_ctl:
    case SYS_seccomp:
      return ENOMEM;
    default:
      return std::nullopt;
  }
}

bool IsEpollWait(uint64_t call) {
  return call == SYS_epoll_wait || call == SYS_epoll_pwait || call == SYS_epoll_pwait2;
}

class Stepper {
 public:
  Stepper(const Blow& blow, pid_t also) : blow_(blow), also_(also) {}

  Stepped Run(const std::vector<std::string>& command_line) {
    Launch(command_line);
    // waitpid(2) is to end where nothing happens any more.
    struct sigaction on_alarm = {};
    on_alarm.sa_handler = [](int) {};
    sigaction(SIGALRM, &on_alarm, nullptr);
    while (!over_ && !tracees_.empty()) {
      alarm(kPatienceSeconds);
      int status = 0;
      const pid_t pid = waitpid(-1, &status, __WALL);
      if (pid < 0) {
        if (errno == EINTR) ReportStandstill();
        break;
      }
      if (WIFSTOPPED(status)) {
        OnStop(pid, status);
      } else {
        OnEnd(pid, status);
      }
    }
    alarm(0);
    Release();
    Collect();
    return std::move(stepped_);
  }

 private:
  struct Tracee {
    size_t number;
    int execs = 0;
    bool counts = true;
    bool idle = false;  // in epoll_wait
    uint64_t call = 0;  // that it is in
    int error = 0;      // with which that call, kept from being made, is to fail
  };

  void Launch(const std::vector<std::string>& command_line) {
    out_.Reset(memfd_create("out", MFD_CLOEXEC));
    err_.Reset(memfd_create("err", MFD_CLOEXEC));
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) != 0) return Fail("pipe2");
    std::vector<char*> argv;
    for (const std::string& word : command_line) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    command_ = fork();
    if (command_ == 0) {
      char byte;
      (void)!read(gate[0], &byte, 1);
      dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 0);
      dup2(out_.get(), 1);
      dup2(err_.get(), 2);
      execv(argv[0], argv.data());
      _exit(99);
    }
    Seize(command_);
    if (also_ != 0) Seize(also_);
    (void)!write(gate[1], "x", 1);
    close(gate[0]);
    close(gate[1]);
  }

  void Seize(pid_t pid) {
    if (ptrace(PTRACE_SEIZE, pid, 0, kOptions) != 0) return Fail("PTRACE_SEIZE");
    Add(pid);
    // What is seized runs on; from its first stop on its calls are seen.
    if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0) Fail("PTRACE_INTERRUPT");
  }

  void Add(pid_t pid) {
    if (!tracees_.emplace(pid, Tracee{.number = stepped_.calls.size()}).second) return;
    // The command counts from its own program on.
    if (pid == command_) tracees_[pid].counts = false;
    stepped_.calls.emplace_back();
  }

  void OnStop(pid_t pid, int status) {
    Add(pid);  // a new process may be seen before its parent's event
    Tracee& tracee = tracees_[pid];
    const int signal = WSTOPSIG(status);
    const int event = status >> 16;
    if (signal == kSyscallStop) return OnCall(pid, tracee);
    if (event == PTRACE_EVENT_EXEC) {
      ++tracee.execs;
      tracee.counts = pid == command_ ? true : tracee.counts && tracee.execs < 2;
      return Continue(pid, 0);
    }
    if (IsNewChild(event)) {
      NoteChild(pid);
      return Continue(pid, 0);
    }
    if (event == PTRACE_EVENT_STOP && (signal == SIGSTOP || signal == SIGTSTP)) {
      ptrace(PTRACE_LISTEN, pid, 0, 0);  // a stop of the whole process, as without a tracer
      return;
    }
    Continue(pid, event != 0 ? 0 : signal);
  }

  void OnCall(pid_t pid, Tracee& tracee) {
    __ptrace_syscall_info info = {};
    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
    const bool entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
    if (entry) {
      tracee.call = info.entry.nr;
      tracee.idle = IsEpollWait(tracee.call);
      const std::optional<int> error = ScarcityOf(tracee.call);
      if (blow_.kind == Blow::Kind::kFail && error.has_value() && Hits(tracee)) {
        stepped_.struck = true;
        tracee.error = *error;
        ptrace(PTRACE_POKEUSER, pid, offsetof(user_regs_struct, orig_rax), -1L);
      }
    } else {
      tracee.idle = false;
      if (tracee.error != 0) {
        ptrace(PTRACE_POKEUSER, pid, offsetof(user_regs_struct, rax), -long{tracee.error});
        tracee.error = 0;
      }
      const bool kills = blow_.kind == Blow::Kind::kKill && Hits(tracee);
      if (tracee.counts) stepped_.calls[tracee.number].push_back(tracee.call);
      if (kills) {
        stepped_.struck = true;
        over_ = true;
        kill(pid, SIGKILL);
        return;
      }
    }
    Continue(pid, 0);
    // Who waits with the command gone has done all that belongs to it.
    if (!tracees_.contains(command_)) over_ = AllIdle();
  }

  bool Hits(const Tracee& tracee) const {
    return tracee.counts && tracee.number == blow_.process && !stepped_.struck &&
           stepped_.calls[tracee.number].size() + 1 == blow_.call;
  }

  bool AllIdle() const {
    for (const auto& [pid, tracee] : tracees_) {
      if (tracee.counts && !tracee.idle) return false;
    }
    return true;
  }

  void OnEnd(pid_t pid, int status) {
    tracees_.erase(pid);
    if (pid != command_) return;
    SetResult(status);
    over_ = over_ || AllIdle();
  }

  void SetResult(int status) {
    ended_ = true;
    stepped_.result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  static pid_t EventMessage(pid_t pid) {
    unsigned long message = 0;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    return static_cast<pid_t>(message);
  }

  void NoteChild(pid_t parent) {
    const pid_t child = EventMessage(parent);
    // One that is short may have been seen to its end before.
    if (child != 0 && kill(child, 0) == 0) Add(child);
  }

  static bool IsNewChild(int event) {
    return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE;
  }

  static void Continue(pid_t pid, int signal) { ptrace(PTRACE_SYSCALL, pid, 0, signal); }

  // Lets go of all, for which each has to stop once more. In any order: of a process that was
  // killed, the first thread's end is told only after those of all others.
  void Release() {
    for (const auto& [pid, tracee] : tracees_) ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    std::set<pid_t> let_go;
    while (!tracees_.empty()) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, __WALL);
      if (pid < 0) return;
      if (!WIFSTOPPED(status)) {
        OnEnd(pid, status);
        continue;
      }
      // A child that has been let go before its parent's event stays so.
      if (IsNewChild(status >> 16) && !let_go.contains(EventMessage(pid))) NoteChild(pid);
      let_go.insert(pid);
      const bool signalled = status >> 16 == 0 && WSTOPSIG(status) != kSyscallStop;
      ptrace(PTRACE_DETACH, pid, 0, signalled ? WSTOPSIG(status) : 0);
      tracees_.erase(pid);
    }
  }

  // What the command says, once it has ended.
  void Collect() {
    if (!ended_) {
      int status = 0;
      const bool ended = WaitUntil(absl::Seconds(30), [&] {
        return waitpid(command_, &status, WNOHANG | __WALL) == command_;
      });
      if (!ended) {
        ADD_FAILURE() << "the command does not end";
        kill(command_, SIGKILL);
        waitpid(command_, &status, __WALL);
      }
      SetResult(status);
    }
    for (const auto& [fd, text] : {std::pair(out_.get(), &stepped_.result.out),
                                   std::pair(err_.get(), &stepped_.result.err)}) {
      lseek(fd, 0, SEEK_SET);
      *text = ReadFd(fd, "output").value_or("");
    }
  }

  void ReportStandstill() {
    std::string where;
    for (const auto& [pid, tracee] : tracees_) {
      absl::StrAppend(&where, " process ", tracee.number, tracee.counts ? "" : " (its program)",
                      " in call ", tracee.call, ";");
    }
    const uint64_t number =
        stepped_.struck ? stepped_.calls[blow_.process][blow_.call - 1] : uint64_t{0};
    ADD_FAILURE() << "nothing happens any more, after call " << blow_.call << " (number " << number
                  << ") of process " << blow_.process << ":" << where;
  }

  void Fail(const char* what) {
    ADD_FAILURE() << what << ": " << strerror(errno);
    over_ = true;
  }

  const Blow blow_;
  const pid_t also_;
  Stepped stepped_;
  std::map<pid_t, Tracee> tracees_;
  UniqueFd out_;
  UniqueFd err_;
  pid_t command_ = 0;
  bool ended_ = false;
  bool over_ = false;
};

}  // namespace

Stepped Strike(const std::vector<std::string>& command_line, const Blow& blow, pid_t also) {
  return Stepper(blow, also).Run(command_line);
}

Stepped Follow(const std::vector<std::string>& command_line, pid_t also) {
  return Stepper({.kind = Blow::Kind::kNone}, also).Run(command_line);
}

bool CanFail(uint64_t call) { return ScarcityOf(call).has_value(); }

}  // namespace tiny::e2e
