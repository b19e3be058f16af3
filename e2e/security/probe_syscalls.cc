#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "e2e/security/probe.h"

namespace tiny::e2e {
namespace {

constexpr int kNumbers = 600;

long CallI386(long number) {
  long result = number;
  // The pushes keep the red zone and rbx, which the compiler may use.
  asm volatile(
      "sub $128, %%rsp\n"
      "push %%rbx\n"
      "push %%rbp\n"
      "xor %%ebx, %%ebx\n"
      "xor %%ebp, %%ebp\n"
      "int $0x80\n"
      "pop %%rbp\n"
      "pop %%rbx\n"
      "add $128, %%rsp\n"
      : "+a"(result)
      : "c"(0), "d"(0), "S"(0), "D"(0)
      : "r8", "r9", "r10", "r11", "memory");
  return static_cast<int>(result);
}

long CallX64(long number) {
  const long result = syscall(number, 0, 0, 0, 0, 0, 0);
  return result < 0 ? -errno : result;
}

// A child that sleeps does so in the call.
bool Sleeps(pid_t pid) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  FILE* file = fopen(path, "re");
  if (file == nullptr) return true;
  char state = 0;
  const int read = fscanf(file, "%*d (%*[^)]) %c", &state);
  fclose(file);
  return read == 1 && (state == 'S' || state == 'T' || state == 'Z');
}

// What kills the child, or keeps it asleep, has reached the kernel.
const char* Classify(int index, long (*call)(long)) {
  int ends[2];
  if (pipe(ends) != 0) return "pipe";
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    setpgid(0, 0);
    // Arguments of zero name descriptor 0, whose file fchmod(2) and others would change.
    close(0);
    const long result = call(index);
    if (write(ends[1], &result, sizeof(result)) < 0) _exit(1);
    _exit(0);
  }
  setpgid(pid, pid);
  close(ends[1]);
  long result = 0;
  pollfd poller = {ends[0], POLLIN, 0};
  while (poll(&poller, 1, 30) == 0 && !Sleeps(pid)) {
  }
  if (poll(&poller, 1, 0) <= 0 || read(ends[0], &result, sizeof(result)) != sizeof(result)) {
    result = 0;
  }
  close(ends[0]);
  kill(-pid, SIGKILL);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return result >= 0 ? "allowed" : ErrnoName(result);
}

}  // namespace

int ProbeSyscalls(int, char**) {
  for (int number = 0; number < kNumbers; ++number) {
    printf("x64 %d %s\n", number, Classify(number, CallX64));
  }
  for (int number = 0; number < kNumbers; ++number) {
    printf("i386 %d %s\n", number, Classify(number, CallI386));
  }
  return 0;
}

}  // namespace tiny::e2e
