// Runs the tests as the first process of namespaces of their own (harness.h).
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

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  if (!tiny::testing::HavePrivilege()) return RUN_ALL_TESTS();
  if (unshare(kNamespaces) != 0) return Fail("unshare") + 1;
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return SetUpMachine() ? RUN_ALL_TESTS() : 1;
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
