// Runs the tests in namespaces of their own (harness.h), under a first process that reaps.
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "testing/isolated.h"

namespace {

constexpr int kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

bool Fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return false;
}

bool Uses(const std::string& folder) {
  const char* temporary = getenv("TEST_TMPDIR");
  for (const std::string& path :
       {std::filesystem::current_path().string(), std::string(temporary ? temporary : "/tmp")}) {
    if (absl::StartsWith(path + "/", folder + "/")) return true;
  }
  return false;
}

bool SetUpMachine() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return Fail("private /");
  if (mount("proc", "/proc", "proc", 0, nullptr) != 0) return Fail("mount /proc");
  // Folders for temporary files of this test alone, but where it lives in one itself.
  for (const char* folder : {"/tmp", "/var/tmp", "/dev/shm"}) {
    if (!Uses(folder) && mount("tmpfs", folder, "tmpfs", 0, nullptr) != 0) return Fail(folder);
  }
  return true;
}

// Waits for it, and for every other child that ends meanwhile.
int ExitCodeOf(pid_t pid) {
  int status = 0;
  for (pid_t ended = 0; ended != pid;) {
    ended = waitpid(-1, &status, 0);
    if (ended < 0 && errno != EINTR) return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  if (!tiny::testing::HavePrivilege()) return RUN_ALL_TESTS();
  if (unshare(kNamespaces) != 0) return Fail("unshare") + 1;
  const pid_t init = fork();
  if (init == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!SetUpMachine()) return 1;
    const pid_t tests = fork();
    if (tests == 0) return RUN_ALL_TESTS();
    // Reaps whatever has lost its parent, as a machine's init does.
    return ExitCodeOf(tests);
  }
  // No look for leaks at exit: its thread would be of the namespace that has just ended.
  _exit(ExitCodeOf(init));
}
