#include "e2e/security/stepper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/files.h"
#include "base/unique_fd.h"

namespace tiny::e2e {
namespace {

constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                          PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

constexpr unsigned kPatienceSeconds = 20;

// Where the output goes: a pipe would have to be read all the while.
std::string ReadAll(int fd) {
  lseek(fd, 0, SEEK_SET);
  return ReadFd(fd, "output").value_or("");
}

pid_t StartTraced(const std::vector<std::string>& argv, int out, int err) {
  std::vector<char*> pointers;
  for (const std::string& arg : argv) pointers.push_back(const_cast<char*>(arg.c_str()));
  pointers.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, 0);
  dup2(out, 1);
  dup2(err, 2);
  raise(SIGSTOP);
  execv(pointers[0], pointers.data());
  _exit(99);
}

class Stepper {
 public:
  Stepper(pid_t root, const std::function<void(Call&)>& handler) : root_(root), handler_(handler) {}

  // The wait status of the program.
  int Run() {
    int status = 0;
    int root_status = 0;
    waitpid(root_, &status, WUNTRACED);
    ptrace(PTRACE_SEIZE, root_, nullptr, kOptions);
    kill(root_, SIGCONT);
    traced_ = {root_};
    while (!traced_.empty()) {
      alarm(kPatienceSeconds);
      const pid_t pid = waitpid(-1, &status, __WALL);
      if (pid < 0) {
        if (errno == ECHILD) break;
        KillAll();
        continue;
      }
      if (!WIFSTOPPED(status)) {
        if (pid == root_) root_status = status;
        traced_.erase(pid);
        failing_.erase(pid);
        continue;
      }
      traced_.insert(pid);
      const int event = status >> 16;
      unsigned long child = 0;
      if ((event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
           event == PTRACE_EVENT_CLONE) &&
          ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &child) == 0 &&
          kill(static_cast<pid_t>(child), 0) == 0) {  // and has not been reaped before
        traced_.insert(static_cast<pid_t>(child));
      }
      ptrace(PTRACE_SYSCALL, pid, nullptr, SignalOf(pid, status));
    }
    alarm(0);
    return root_status;
  }

 private:
  // Where nothing has happened for long, nothing will.
  void KillAll() {
    std::erase_if(traced_, [](pid_t pid) { return kill(pid, SIGKILL) != 0; });
  }

  // What the process is to get when it goes on.
  long SignalOf(pid_t pid, int status) {
    const int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      OnCall(pid);
      return 0;
    }
    return status >> 16 != 0 ? 0 : signal;
  }

  void OnCall(pid_t pid) {
    __ptrace_syscall_info info = {};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
      const auto failing = failing_.find(pid);
      if (failing == failing_.end()) return;
      Poke(pid, offsetof(user_regs_struct, rax), -failing->second);
      failing_.erase(failing);
    } else if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      Call call = {.pid = pid, .descendant = pid != root_, .number = info.entry.nr};
      std::copy(std::begin(info.entry.args), std::end(info.entry.args), call.arguments);
      handler_(call);
      if (call.fail_with == 0) return;
      failing_[pid] = call.fail_with;
      Poke(pid, offsetof(user_regs_struct, orig_rax), -1);
    }
  }

  static void Poke(pid_t pid, size_t offset, long value) {
    ptrace(PTRACE_POKEUSER, pid, offset, value);
  }

  const pid_t root_;
  const std::function<void(Call&)>& handler_;
  std::set<pid_t> traced_;  // this process has other children, too
  std::map<pid_t, int> failing_;
};

}  // namespace

std::string Call::Text(int argument) const {
  std::string text(256, '\0');
  iovec local = {text.data(), text.size()};
  iovec remote = {reinterpret_cast<void*>(arguments[argument]), text.size()};
  // Up to the end of a page where the next one is not there.
  for (; remote.iov_len > 0; remote.iov_len /= 2) {
    if (process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0) break;
  }
  return text.substr(0, text.find('\0'));
}

Result RunStepped(const std::vector<std::string>& argv, const std::function<void(Call&)>& handler) {
  const UniqueFd out(memfd_create("stdout", MFD_CLOEXEC));
  const UniqueFd err(memfd_create("stderr", MFD_CLOEXEC));
  struct sigaction interrupts = {};
  interrupts.sa_handler = [](int) {};
  sigaction(SIGALRM, &interrupts, nullptr);  // without SA_RESTART
  const pid_t pid = StartTraced(argv, out.get(), err.get());
  const int status = Stepper(pid, handler).Run();
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = ReadAll(out.get()),
          .err = ReadAll(err.get())};
}

bool TouchesFiles(const Call& call) {
  switch (call.number) {
    case SYS_openat2:
    case SYS_mkdirat:
    case SYS_mknodat:
    case SYS_symlinkat:
    case SYS_unlinkat:
    case SYS_readlinkat:
    case SYS_fchownat:
    case SYS_fstatfs:
    case SYS_open_tree:
    case SYS_move_mount:
    case SYS_mount_setattr:
    case SYS_fsmount:
    case SYS_mount:
    case SYS_pivot_root:
    case SYS_umount2:
    case SYS_chdir:
    case SYS_execve:
    case SYS_execveat:
      return true;
    default:
      return false;
  }
}

}  // namespace tiny::e2e
