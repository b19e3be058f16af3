// Disks that are full or read-only, and programs without standard streams.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "base/files.h"
#include "base/unique_fd.h"
#include "e2e/harness.h"

namespace tiny::e2e {
namespace {

class DiskTest : public TinyTest {
 protected:
  void SetUp() override {
    TinyTest::SetUp();
    ASSERT_EQ(mkdir(RootPath().c_str(), 0700), 0);
    ASSERT_EQ(mount("tmpfs", RootPath().c_str(), "tmpfs", 0, "size=512k"), 0);
  }
  void TearDown() override {
    EXPECT_THAT(Tiny({"ps", "-aq"}), Succeeds(""));
    EXPECT_EQ(umount2(RootPath().c_str(), MNT_DETACH), 0);
    TinyTest::TearDown();
  }

  void Fill() {
    const UniqueFd file(
        open((RootPath() + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(4096, 'x');
    while (write(file.get(), block.data(), block.size()) > 0) {
    }
    ASSERT_EQ(errno, ENOSPC);
  }

  std::string EndOf(const std::string& container) {
    return Inspect(container, "{{.State.Status}} {{.State.ExitCode}}");
  }
};

TEST_F(DiskTest, OnAFullOneContainersEndAndGo) {
  Detached({"--name", "long", "sleep", "1000"});
  Detached({"--name", "short", "sh", "-c", "while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 3"});
  Fill();
  ASSERT_EQ(Tiny({"exec", "short", "touch", "/tmp/end"}).code, 0);
  EXPECT_TRUE(Eventually({"inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "short"},
                         "exited 3\n"));
  EXPECT_THAT(Tiny({"stop", "-t", "0", "long"}), Succeeds("long\n"));
  EXPECT_EQ(EndOf("long"), "exited 137");
  EXPECT_THAT(Tiny({"rm", "long"}), Succeeds("long\n"));
  EXPECT_THAT(Tiny({"rm", "-f", "short"}), Succeeds("short\n"));
}

TEST_F(DiskTest, OnAReadOnlyOneContainersAreKilledAndTheirRecordIsMendedLater) {
  for (const char* verb : {"kill", "stop"}) {
    SCOPED_TRACE(verb);
    Detached({"--name", "cc", "--log-driver", "none", "sleep", "1000"});
    int pid = 0;
    ASSERT_TRUE(absl::SimpleAtoi(Inspect("cc", "{{.State.Pid}}"), &pid));
    // Busy while its start is still written to the log of events.
    ASSERT_TRUE(WaitUntil(absl::Seconds(20), [&] {
      return mount(nullptr, RootPath().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
    }));
    std::vector<std::string> command = {verb, "cc"};
    if (*verb == 's') command.insert(command.begin() + 1, {"-s", "KILL"});
    EXPECT_THAT(Tiny(command), FailsClearly(1, "read-only file system"));
    EXPECT_TRUE(WaitUntil(absl::Seconds(20), [pid] { return kill(pid, 0) != 0; }));
    ASSERT_EQ(mount(nullptr, RootPath().c_str(), nullptr, MS_REMOUNT, "size=512k"), 0);
    EXPECT_TRUE(Eventually({"inspect", "-f", "{{.State.Status}}", "cc"}, "exited\n"));
    EXPECT_THAT(Tiny({"rm", "cc"}), Succeeds("cc\n"));
  }
}

class StreamsTest : public TinyTest {
 protected:
  // As a shell starts it with those redirections.
  Result With(const std::string& redirections, const std::vector<std::string>& command_line) {
    std::vector<std::string> words = {"/bin/sh", "-c", "\"$@\" " + redirections, "sh"};
    words.insert(words.end(), command_line.begin(), command_line.end());
    return RunProgram(words);
  }
};

TEST_F(StreamsTest, ThoseThatAreClosedAreNotTakenForOthers) {
  for (const char* closed : {"<&-", ">&-", "2>&-", "<&- >&- 2>&-"}) {
    SCOPED_TRACE(closed);
    const auto run = RunArgs({"--name", "cc", "sh", "-c", "sleep 0.2; exit 3"});
    EXPECT_EQ(With(closed, CommandLine(run)).code, 3);
    EXPECT_EQ(Inspect("cc", "{{.State.Status}} {{.State.ExitCode}}"), "exited 3");
    EXPECT_EQ(With(closed, CommandLine({"start", "cc"})).code, 0);
    EXPECT_TRUE(Eventually({"wait", "cc"}, "3\n"));
    EXPECT_EQ(With(closed, CommandLine({"rm", "cc"})).code, 0);
    EXPECT_THAT(Tiny({"ps", "-aq"}), Succeeds(""));
  }
}

}  // namespace
}  // namespace tiny::e2e
