// What the kernel alone costs to run one more program in a container: its namespaces joined by one
// setns(2), a child, /bin/true; unchecked, without a cgroup, capabilities or seccomp.
//
//   exec_floor PID
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int, char** argv) {
  const long pidfd = syscall(SYS_pidfd_open, atoi(argv[1]), 0);
  if (setns(static_cast<int>(pidfd),
            CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) != 0) {
    return 125;
  }
  const pid_t child = fork();
  if (child == 0) {
    char* const arguments[] = {const_cast<char*>("true"), nullptr};
    char* const environment[] = {nullptr};
    execve("/bin/true", arguments, environment);
    _exit(127);
  }
  int status = 1;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}
