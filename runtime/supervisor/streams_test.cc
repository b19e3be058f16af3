#include "runtime/supervisor/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>

#include "base/files.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using testing::TempDir;

std::string ReadSome(int fd) {
  char buffer[256];
  const ssize_t size = read(fd, buffer, sizeof(buffer));
  return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : "";
}

class StreamsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    ASSERT_OK_AND_ASSIGN(directory_, OpenFile(dir_.path(), O_RDONLY | O_DIRECTORY));
  }

  TempDir dir_;
  UniqueFd directory_;
};

TEST_F(StreamsTest, CarriesEachStream) {
  Streams streams;
  ASSERT_OK(streams.Create(directory_.get(), /*tty=*/false, /*open_stdin=*/true));
  ASSERT_OK(streams.OpenContainerEnds(0, 0));
  const int* ends = streams.container_ends();
  EXPECT_EQ(streams.WriteStdin("in"), 2U);
  EXPECT_EQ(ReadSome(ends[0]), "in");
  ASSERT_EQ(write(ends[1], "out", 3), 3);
  ASSERT_EQ(write(ends[2], "err", 3), 3);
  EXPECT_EQ(ReadSome(streams.out()), "out");
  EXPECT_EQ(ReadSome(streams.err()), "err");
}

TEST_F(StreamsTest, TheContainerReadsTheEndOfAClosedStdin) {
  Streams streams;
  ASSERT_OK(streams.Create(directory_.get(), false, true));
  ASSERT_OK(streams.OpenContainerEnds(0, 0));
  streams.WriteStdin("last");
  streams.CloseStdin();
  EXPECT_EQ(ReadSome(streams.container_ends()[0]), "last");
  char byte;
  EXPECT_EQ(read(streams.container_ends()[0], &byte, 1), 0);
}

TEST_F(StreamsTest, WithoutStdinTheContainerReadsTheEndAtOnce) {
  Streams streams;
  ASSERT_OK(streams.Create(directory_.get(), false, false));
  ASSERT_OK(streams.OpenContainerEnds(0, 0));
  char byte;
  EXPECT_EQ(read(streams.container_ends()[0], &byte, 1), 0);
}

TEST_F(StreamsTest, OutputOutlivesTheSupervisorsDescriptors) {
  int kept;
  {
    Streams streams;
    ASSERT_OK(streams.Create(directory_.get(), false, false));
    ASSERT_OK(streams.OpenContainerEnds(0, 0));
    kept = dup(streams.container_ends()[1]);
  }
  const UniqueFd container(kept);
  ASSERT_EQ(write(container.get(), "unwatched", 9), 9) << "no EPIPE";
  Streams next;
  ASSERT_OK(next.Adopt(directory_.get(), false, false));
  EXPECT_EQ(ReadSome(next.out()), "unwatched");
}

TEST_F(StreamsTest, AFifoThatIsBusyIsMadeLarger) {
  Streams streams;
  ASSERT_OK(streams.Create(directory_.get(), false, false));
  const int before = fcntl(streams.out(), F_GETPIPE_SZ);
  streams.Widen(streams.out());
  EXPECT_GT(fcntl(streams.out(), F_GETPIPE_SZ), before);
  EXPECT_EQ(fcntl(streams.err(), F_GETPIPE_SZ), before) << "each for itself";
}

TEST_F(StreamsTest, TakesOnlyAsMuchInputAsThereIsRoomFor) {
  Streams streams;
  ASSERT_OK(streams.Create(directory_.get(), false, true));
  ASSERT_OK(streams.OpenContainerEnds(0, 0));
  const std::string input(size_t{1} << 20, 'x');
  const size_t taken = streams.WriteStdin(input);
  EXPECT_GT(taken, 0U);
  EXPECT_LT(taken, input.size());
  streams.CloseContainerEnds();
  EXPECT_EQ(streams.WriteStdin(input), input.size()) << "nobody reads: all is dropped";
}

TEST_F(StreamsTest, ATerminalStaysOpenWithoutAProcess) {
  const UniqueFd probe(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(probe);
  ASSERT_EQ(unlockpt(probe.get()), 0);
  Streams streams;
  ASSERT_OK(streams.Create(directory_.get(), true, true));
  streams.SetTerminal(UniqueFd(dup(probe.get())));
  char byte;
  EXPECT_EQ(read(streams.out(), &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN) << "not EIO, the terminal's hang-up";
  streams.CloseStdin();
  EXPECT_EQ(streams.WriteStdin("a\n"), 2U) << "a terminal has no half-close";
}

}  // namespace
}  // namespace tiny::runtime
