#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/posix_status.h"
#include "gtest/gtest.h"
#include "ns/namespaces.h"
#include "ns/network_maker.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::ns {
namespace {

using ::testing::SizeIs;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::StatusIs;

class NetworkMakerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  }
  // A thread has told of its end a moment before it leaves.
  static void ExpectOneThread() {
    for (int i = 0; i < 1000 && Own("task").size() > 1; ++i) usleep(1000);
    EXPECT_THAT(Own("task"), SizeIs(1));
  }
  static std::vector<std::string> Own(const char* folder) {
    return ListDirectory(std::string("/proc/self/") + folder).value_or(std::vector<std::string>());
  }
};

// In a process of its own.
int ExitCodeOf(int (*body)(int), int argument) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body(argument));
  int status = -1;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int HasOnlyLoopbackAndItIsUp(int network) {
  if (setns(network, CLONE_NEWNET) != 0) return 1;
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = {};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  if (ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return 2;
  if ((request.ifr_flags & IFF_UP) == 0) return 3;
  return if_nametoindex("lo") == 1 ? 0 : 4;
}

TEST_F(NetworkMakerTest, MakesANamespaceWhoseLoopbackIsUp) {
  NetworkMaker maker;
  ASSERT_OK(maker.Start());
  ASSERT_OK_AND_ASSIGN(const NetworkMaker::Made made, maker.Take());
  EXPECT_FALSE(IsOwnNamespace(made.fd.get(), Kind::kNetwork));
  EXPECT_EQ(ExitCodeOf(HasOnlyLoopbackAndItIsUp, made.fd.get()), 0);
  ExpectOneThread();
}

TEST_F(NetworkMakerTest, NothingIsLeftOfOneThatIsNotTaken) {
  const size_t before = Own("fd").size();
  {
    NetworkMaker maker;
    ASSERT_OK(maker.Start());
  }
  ExpectOneThread();
  EXPECT_THAT(Own("fd"), SizeIs(before));
}

TEST_F(NetworkMakerTest, ThereIsNothingToTakeWithoutAStart) {
  NetworkMaker maker;
  EXPECT_THAT(maker.Take(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(NetworkMakerTest, ARefusalIsTheKernels) {
  const auto refused = [](int) {
    if (setresuid(65534, 65534, 65534) != 0) return 1;
    NetworkMaker maker;
    if (!maker.Start().ok()) return 2;
    return GetErrno(maker.Take().status()) == EPERM ? 0 : 3;
  };
  EXPECT_EQ(ExitCodeOf(refused, 0), 0);
}

}  // namespace
}  // namespace tiny::ns
