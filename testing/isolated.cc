#include "testing/isolated.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "gtest/gtest.h"

namespace tiny::testing {
namespace {

constexpr int kFailedSetup = 120;
constexpr int kFailedBody = 121;

[[noreturn]] void RunBody(int clone_flags, const std::function<void()>& body) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if ((clone_flags & CLONE_NEWNS) != 0 &&
      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    fprintf(stderr, "make mounts private: %s\n", strerror(errno));
    _exit(kFailedSetup);
  }
  body();
  const ::testing::TestResult* result =
      ::testing::UnitTest::GetInstance()->current_test_info()->result();
  fflush(stdout);
  fflush(stderr);
  _exit(result->Failed() ? kFailedBody : 0);
}

int WaitStatus(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

bool HavePrivilege() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  return geteuid() == 0 && syscall(SYS_capget, &header, data) == 0 &&
         (data[0].effective & (1U << CAP_SYS_ADMIN)) != 0;
}

void RunIsolated(int clone_flags, const std::function<void()>& body) {
  fflush(stdout);
  fflush(stderr);
  const pid_t outer = fork();
  ASSERT_GE(outer, 0) << strerror(errno);
  if (outer == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(clone_flags) != 0) {
      fprintf(stderr, "unshare %#x: %s\n", static_cast<unsigned>(clone_flags), strerror(errno));
      _exit(kFailedSetup);
    }
    if ((clone_flags & CLONE_NEWPID) == 0) RunBody(clone_flags, body);
    // Only children enter a new pid namespace; as its pid 1, this one takes all others with it.
    const pid_t inner = fork();
    if (inner == 0) RunBody(clone_flags, body);
    const int status = WaitStatus(inner);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  const int status = WaitStatus(outer);
  ASSERT_TRUE(WIFEXITED(status)) << "the isolated body died of signal " << WTERMSIG(status);
  ASSERT_EQ(WEXITSTATUS(status), 0) << "the isolated body failed";
}

}  // namespace tiny::testing
