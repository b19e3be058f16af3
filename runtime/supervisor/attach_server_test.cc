#include "runtime/supervisor/attach_server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/posix_status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

class FakeHost : public AttachServer::Host {
 public:
  size_t WriteStdin(absl::string_view data) override {
    const size_t taken = std::min(data.size(), room);
    input.append(data.data(), taken);
    room -= taken;
    return taken;
  }
  void StdinClosed() override { ++closed; }
  void Resize(WindowSize size) override { sizes.push_back(size); }
  void Signal(int signal) override { signals.push_back(signal); }
  void Reload() override { ++reloads; }
  int Upper() override { return upper; }

  size_t room = SIZE_MAX;
  std::string input;
  int closed = 0;
  int reloads = 0;
  int upper = -1;
  std::vector<WindowSize> sizes;
  std::vector<int> signals;
};

// The server, driven by hand, and the client's ends of its sockets.
class AttachServerTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(poller_.Open()); }

  UniqueFd NewClient(uint32_t wants) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    HelloPayload hello;
    hello.wants = wants;
    server_.AddClient(UniqueFd(ends[1]), hello);
    return UniqueFd(ends[0]);
  }

  void RunOnce() {
    for (const epoll_event& event : poller_.Wait(BootNow())) {
      server_.OnEvent(event.data.u32, event.events);
    }
  }

  std::optional<Frame> Receive(const UniqueFd& client) {
    return ReceiveFrame(client.get(), buffer_, MSG_DONTWAIT);
  }

  // Offers pieces until the server waits for somebody; how many that took.
  int FillUp(absl::string_view piece) {
    int pieces = 0;
    while (!server_.busy()) {
      server_.Offer(FrameType::kStdout, piece);
      ++pieces;
    }
    return pieces;
  }

  Poller poller_;
  FakeHost host_;
  AttachServer server_{&poller_, &host_, 0};
  char buffer_[kMaxFrame];
};

TEST_F(AttachServerTest, GivesEachClientWhatItWants) {
  const UniqueFd both = NewClient(kWantStdout | kWantStderr);
  const UniqueFd only_err = NewClient(kWantStderr);
  server_.Offer(FrameType::kStdout, "out");
  server_.Offer(FrameType::kStderr, "err");
  server_.OfferExited(3);
  EXPECT_EQ(Receive(both)->payload, "out");
  EXPECT_EQ(Receive(both)->payload, "err");
  EXPECT_EQ(ParsePayload<ExitedPayload>(Receive(both)->payload)->exit_code, 3);
  EXPECT_EQ(Receive(only_err)->payload, "err");
  EXPECT_EQ(Receive(only_err)->type, FrameType::kExited);
  EXPECT_FALSE(Receive(only_err).has_value());
}

TEST_F(AttachServerTest, WaitsForASlowClientAndLosesNothing) {
  const UniqueFd slow = NewClient(kWantStdout);
  const std::string piece(kMaxData, 'x');
  const int offered = FillUp(piece);
  int received = 0;
  while (received < offered) {
    while (Receive(slow).has_value()) ++received;
    RunOnce();
  }
  EXPECT_FALSE(server_.busy());
  EXPECT_EQ(received, offered);
}

TEST_F(AttachServerTest, LeavesAStalledClientBehindAndTellsItOfTheGap) {
  const UniqueFd stalled = NewClient(kWantStdout);
  const std::string piece(kMaxData, 'x');
  FillUp(piece);
  EXPECT_LE(server_.deadline(), BootNow() + kStallLimit);
  server_.OnTime(BootNow() + kStallLimit + absl::Seconds(1));
  EXPECT_FALSE(server_.busy()) << "nobody is waited for any more";
  server_.Offer(FrameType::kStdout, "lost");
  EXPECT_FALSE(server_.busy());
  while (Receive(stalled).has_value()) {
  }
  RunOnce();
  server_.Offer(FrameType::kStdout, "after");
  std::optional<Frame> frame = Receive(stalled);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->type, FrameType::kGap);
  EXPECT_EQ(*ParsePayload<uint64_t>(frame->payload), piece.size() + 4);
  EXPECT_EQ(Receive(stalled)->payload, "after");
}

TEST_F(AttachServerTest, WaitsOnForALosslessClientThatSaysThatItIsAlive) {
  const UniqueFd slow = NewClient(kWantStdout | kLossless);
  FillUp(std::string(kMaxData, 'x'));
  const absl::Duration before = server_.deadline();
  absl::Duration start = BootNow();
  while (BootNow() == start) {
  }
  ASSERT_TRUE(SendFrame(slow.get(), FrameType::kAlive, nullptr, 0, 0));
  RunOnce();
  EXPECT_TRUE(server_.busy());
  EXPECT_GT(server_.deadline(), before);
  server_.GiveUpWaiting();
  EXPECT_FALSE(server_.busy());
}

TEST_F(AttachServerTest, AcknowledgesInputOnceItIsTaken) {
  const UniqueFd client = NewClient(kWantStdin);
  host_.room = 3;
  ASSERT_TRUE(SendFrame(client.get(), FrameType::kStdin, "abcdef", 6, 0));
  RunOnce();
  EXPECT_EQ(host_.input, "abc");
  EXPECT_FALSE(Receive(client).has_value());
  // What is not input gets through meanwhile, and the end of input waits for its turn.
  ASSERT_TRUE(SendFrame(client.get(), FrameType::kResize, WindowSize{24, 80}, 0));
  ASSERT_TRUE(SendFrame(client.get(), FrameType::kSignal, int32_t{15}, 0));
  ASSERT_TRUE(SendFrame(client.get(), FrameType::kStdinClose, nullptr, 0, 0));
  for (int i = 0; i < 3; ++i) RunOnce();
  EXPECT_THAT(host_.sizes, ElementsAre(WindowSize{24, 80}));
  EXPECT_THAT(host_.signals, ElementsAre(15));
  EXPECT_EQ(host_.closed, 0);
  host_.room = 100;
  server_.OnStdinWritable();
  EXPECT_EQ(host_.input, "abcdef");
  EXPECT_EQ(Receive(client)->type, FrameType::kStdinAck);
  EXPECT_EQ(host_.closed, 1);
}

TEST_F(AttachServerTest, ALostClientClosesTheStdinThatItHad) {
  {
    const UniqueFd watcher = NewClient(kWantStdout);
    const UniqueFd typist = NewClient(kWantStdin);
  }
  for (int i = 0; i < 3; ++i) RunOnce();
  EXPECT_EQ(host_.closed, 1);
  EXPECT_FALSE(server_.has_clients());
}

TEST_F(AttachServerTest, AnswersAReloadOnceItIsDone) {
  const UniqueFd client = NewClient(0);
  ASSERT_TRUE(SendFrame(client.get(), FrameType::kReload, nullptr, 0, 0));
  RunOnce();
  EXPECT_EQ(host_.reloads, 1);
  EXPECT_OK(AwaitReloaded(client.get(), absl::ZeroDuration()));
}

TEST_F(AttachServerTest, ALostClientIsNoLongerWaitedFor) {
  {
    const UniqueFd client = NewClient(kWantStdout);
    FillUp(std::string(kMaxData, 'x'));
  }
  RunOnce();
  EXPECT_FALSE(server_.busy());
}

TEST_F(AttachServerTest, WatchersOfTheFinalExitHearOfNoOther) {
  const UniqueFd any = NewClient(0);
  const UniqueFd final = NewClient(kWantFinalExit);
  server_.TellWatchers(1, /*final=*/false);
  EXPECT_EQ(Receive(any)->type, FrameType::kExited);
  EXPECT_FALSE(Receive(final).has_value());
  server_.TellWatchers(2, /*final=*/true);
  EXPECT_EQ(ParsePayload<ExitedPayload>(Receive(final)->payload)->exit_code, 2);
}

TEST_F(AttachServerTest, GreetsOverItsSocket) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(const UniqueFd directory, OpenFile(dir.path(), O_RDONLY | O_DIRECTORY));
  ASSERT_OK(server_.Listen(directory.get()));
  server_.set_tty(true);
  HelloPayload hello;
  hello.size = {50, 132};
  absl::StatusOr<Connection> connection = absl::UnknownError("");
  std::thread client(
      [&] { connection = ConnectAndGreet(dir.Path("attach.sock"), hello, absl::Seconds(20)); });
  while (host_.sizes.empty()) RunOnce();
  client.join();
  ASSERT_OK(connection);
  EXPECT_TRUE(connection->tty);
  EXPECT_THAT(host_.sizes, ElementsAre(WindowSize{50, 132}));

  EXPECT_FALSE(connection->upper) << "nobody asked for it";

  host_.upper = directory.get();
  hello.wants = kWantUpper;
  hello.size = {51, 132};
  std::thread asker(
      [&] { connection = ConnectAndGreet(dir.Path("attach.sock"), hello, absl::Seconds(20)); });
  while (host_.sizes.size() < 2) RunOnce();
  asker.join();
  ASSERT_OK(connection);
  EXPECT_TRUE(PathExists(absl::StrCat("/proc/self/fd/", connection->upper.get(), "/attach.sock")));

  hello.version = 999;
  std::thread newer(
      [&] { connection = ConnectAndGreet(dir.Path("attach.sock"), hello, absl::Seconds(20)); });
  for (absl::Duration end = BootNow() + absl::Seconds(20); connection.ok() && BootNow() < end;) {
    RunOnce();
  }
  newer.join();
  EXPECT_THAT(connection, StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("version")));

  server_.StopListening();
  EXPECT_THAT(ConnectAndGreet(dir.Path("attach.sock"), {}, absl::Seconds(1)),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(EncodeStatusTest, KeepsMessageErrnoAndHint) {
  const absl::Status status = WithHint(PosixStatus(ENOENT, "exec /bin/x"), "install it");
  const absl::Status decoded = DecodeStatus(EncodeStatus(status));
  EXPECT_EQ(decoded, status);
  EXPECT_EQ(GetErrno(decoded), ENOENT);
  EXPECT_EQ(GetHint(decoded), "install it");
  EXPECT_OK(DecodeStatus(EncodeStatus(absl::OkStatus())));
}

TEST(EncodeStatusTest, RefusesBytesThatAreCutAnywhere) {
  const std::string bytes = EncodeStatus(PosixStatus(EPERM, "mount"));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeStatus(bytes.substr(0, size)).ok()) << size;
  }
}

TEST(EncodeStatusTest, FitsAFrame) {
  const absl::Status huge =
      WithHint(absl::InternalError(std::string(1 << 20, 'x')), std::string(1 << 20, 'y'));
  EXPECT_LT(EncodeStatus(huge).size(), kMaxData);
}

}  // namespace
}  // namespace tiny::runtime
