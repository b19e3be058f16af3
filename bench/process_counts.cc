#include "bench/process_counts.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/posix_status.h"

namespace tiny::bench {
namespace {

constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                          PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
                          PTRACE_O_EXITKILL;

struct Process {
  bool in_call = false;  // between the stops before and after a system call
  bool payload = false;
  int64_t faults_before = 0;  // those that do not count: of the process that it was forked by
};

// Field 10 of proc_pid_stat(5), of one thread.
int64_t MinorFaults(pid_t pid) {
  const absl::StatusOr<std::string> text =
      ReadFile(absl::StrCat("/proc/", pid, "/task/", pid, "/stat"));
  if (!text.ok()) return 0;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(*text).substr(text->rfind(')') + 1), ' ', absl::SkipEmpty());
  int64_t faults = 0;
  return fields.size() > 7 && absl::SimpleAtoi(fields[7], &faults) ? faults : 0;
}

// VmHWM of proc_pid_status(5): the most that was resident at once.
int64_t PeakKilobytes(pid_t pid) {
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat("/proc/", pid, "/status"));
  if (!text.ok()) return 0;
  constexpr absl::string_view kLabel = "VmHWM:";
  const absl::string_view status(*text);
  const size_t label = status.find(kLabel);
  if (label == absl::string_view::npos) return 0;
  const std::vector<absl::string_view> words = absl::StrSplit(
      status.substr(label + kLabel.size()), absl::ByAnyChar("\t\n "), absl::SkipEmpty());
  int64_t kilobytes = 0;
  return !words.empty() && absl::SimpleAtoi(words[0], &kilobytes) ? kilobytes : 0;
}

class Tree {
 public:
  explicit Tree(absl::string_view payload) : payload_(payload) {}

  // Follows the tree from `root`, which is stopped and traced, to its end.
  absl::StatusOr<ProcessCounts> Follow(pid_t root) {
    processes_[root];
    ptrace(PTRACE_SYSCALL, root, 0, 0);
    while (true) {
      int status;
      const pid_t pid = waitpid(-1, &status, __WALL);
      if (pid < 0) {
        if (errno == EINTR) continue;
        if (errno == ECHILD) return counts_;
        return PosixStatus(errno, "wait for a traced process");
      }
      if (WIFEXITED(status) || WIFSIGNALED(status)) {
        if (pid == root) {
          counts_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        processes_.erase(pid);
        continue;
      }
      HandleStop(pid, status);
    }
  }

 private:
  void HandleStop(pid_t pid, int status) {
    const auto [entry, is_new] = processes_.try_emplace(pid);
    Process& process = entry->second;
    if (is_new) process.payload = payload_children_.erase(pid) > 0;
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    if (event == 0 && signal == (SIGTRAP | 0x80)) {
      OnCall(pid, process);
    } else if (event != 0 && event != PTRACE_EVENT_STOP) {
      OnEvent(pid, process, event);
    } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
      ptrace(PTRACE_LISTEN, pid, 0, 0);  // a group stop, which SIGCONT will end
      return;
    } else if (event == 0) {
      ptrace(PTRACE_SYSCALL, pid, 0, signal);
      return;
    }
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
  }

  void OnCall(pid_t pid, Process& process) {
    process.in_call = !process.in_call;
    if (!process.in_call || process.payload) return;
    __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0) return;
    ++counts_.system_calls;
    ++counts_.by_number[static_cast<long>(info.entry.nr)];
  }

  void OnEvent(pid_t pid, Process& process, int event) {
    unsigned long message = 0;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    switch (event) {
      case PTRACE_EVENT_FORK:
      case PTRACE_EVENT_VFORK:
      case PTRACE_EVENT_CLONE:
        if (!process.payload) {
          ++counts_.forks;
        } else if (processes_.count(static_cast<pid_t>(message)) > 0) {
          processes_[static_cast<pid_t>(message)].payload = true;
        } else {
          payload_children_.insert(static_cast<pid_t>(message));
        }
        break;
      case PTRACE_EVENT_EXEC: {
        if (process.payload) break;
        ++counts_.execs;
        const absl::StatusOr<std::string> name = ReadFile(absl::StrCat("/proc/", pid, "/comm"));
        if (name.ok() && absl::StripSuffix(*name, "\n") == payload_) {
          process.payload = true;
          counts_.page_faults += MinorFaults(pid);
        }
        break;
      }
      case PTRACE_EVENT_EXIT:
        if (process.payload) break;
        counts_.page_faults += MinorFaults(pid);
        counts_.peak_kilobytes = std::max(counts_.peak_kilobytes, PeakKilobytes(pid));
        break;
      default:
        break;
    }
  }

  std::string payload_;
  std::map<pid_t, Process> processes_;
  std::set<pid_t> payload_children_;  // announced by their parents, not yet seen
  ProcessCounts counts_;
};

}  // namespace

absl::StatusOr<ProcessCounts> CountProcesses(const std::vector<std::string>& argv,
                                             absl::string_view payload) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  int go[2];
  if (pipe(go) != 0) return PosixStatus(errno, "pipe");
  const pid_t child = fork();
  if (child < 0) return PosixStatus(errno, "fork");
  if (child == 0) {
    char byte;
    close(go[1]);
    if (read(go[0], &byte, 1) == 1) {
      close(go[0]);
      execvp(arguments[0], arguments.data());
    }
    _exit(127);
  }
  close(go[0]);
  absl::Status status = absl::OkStatus();
  if (ptrace(PTRACE_SEIZE, child, 0, kOptions) != 0 || ptrace(PTRACE_INTERRUPT, child, 0, 0) != 0) {
    status = PosixStatus(errno, "ptrace");
  }
  if (!status.ok()) kill(child, SIGKILL);
  int stopped;
  waitpid(child, &stopped, __WALL);
  if (status.ok() && write(go[1], "x", 1) != 1) status = PosixStatus(errno, "write a pipe");
  close(go[1]);
  if (!status.ok()) return status;
  absl::StatusOr<ProcessCounts> counts = Tree(payload).Follow(child);
  if (!counts.ok()) return counts;
  // The child's own read, close and execve are not the command's.
  counts->execs -= 1;
  return counts;
}

}  // namespace tiny::bench
