#include "cgroup/dbus/connection.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::dbus {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

// A server that does what its `talk` says, on a socket of the test's own.
class Server {
 public:
  explicit Server(std::function<void(int)> talk) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path + 1, name_.data(), name_.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
    listener_.Reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
    thread_ = std::thread([this, talk = std::move(talk)] {
      const UniqueFd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      talk(peer.get());
    });
  }
  // A client that never came must not be waited for.
  ~Server() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string address() const { return absl::StrCat("unix:abstract=", name_); }

  static std::string Read(int fd) {
    char buffer[4096];
    const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
    return std::string(buffer, size > 0 ? static_cast<size_t>(size) : 0);
  }
  static void Write(int fd, const std::string& text) {
    EXPECT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // Lets the client in; what it sends then.
  static std::string Admit(int fd) {
    const std::string all = Read(fd);
    EXPECT_TRUE(absl::StrContains(all, "AUTH EXTERNAL ") && absl::EndsWith(all, "\r\nBEGIN\r\n"));
    Write(fd, "OK 0123\r\n");
    return Read(fd);
  }

 private:
  static inline int count_ = 0;
  // Of the abstract namespace, as the paths of tests may be too long for a socket.
  const std::string name_ = absl::StrCat("tiny-dbus-test-", getpid(), "-", ++count_);
  UniqueFd listener_;
  std::thread thread_;
};

TEST(ConnectionTest, ASignalBeforeTheAnswerIsKept) {
  Server server([](int fd) {
    const absl::StatusOr<Message> call = Decode(Server::Admit(fd));
    ASSERT_OK(call);
    EXPECT_EQ(call->member, "Start");
    Body body;
    body.PutString("kept");
    const std::string signal = Encode(
        {.type = MessageType::kSignal, .serial = 1, .path = "/", .member = "Done", .body = body});
    const std::string reply =
        Encode({.type = MessageType::kMethodReturn, .serial = 2, .reply_serial = call->serial});
    // In pieces, as a socket may give it.
    Server::Write(fd, signal.substr(0, 20));
    Server::Write(fd, signal.substr(20) + reply);
  });
  ASSERT_OK_AND_ASSIGN(Connection connection, Connection::Open(server.address()));
  ASSERT_OK(connection.Call({.path = "/", .member = "Start"}));
  ASSERT_OK_AND_ASSIGN(const Message signal, connection.WaitForSignal("Done"));
  EXPECT_EQ(Reader(signal.received_body).String(), "kept");
}

TEST(ConnectionTest, WithoutAClaimTheServerGoesByTheKernelsWord) {
  Server server([](int fd) {
    std::string all(1, '\0');
    all += "AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
    EXPECT_EQ(Server::Read(fd), all);
    Server::Write(fd, "DATA\r\nOK 0123\r\n");
  });
  EXPECT_OK(Connection::Open(server.address(), Connection::Claim::kNothing).status());
}

TEST(ConnectionTest, AnErrorIsInTheServersWords) {
  Server server([](int fd) {
    const absl::StatusOr<Message> call = Decode(Server::Admit(fd));
    ASSERT_OK(call);
    Body body;
    body.PutString("Unit x is gone");
    Server::Write(fd, Encode({.type = MessageType::kError,
                              .serial = 1,
                              .reply_serial = call->serial,
                              .error_name = "org.freedesktop.systemd1.NoSuchUnit",
                              .body = body}));
  });
  ASSERT_OK_AND_ASSIGN(Connection connection, Connection::Open(server.address()));
  EXPECT_THAT(connection.Call({.path = "/", .member = "StopUnit"}).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("StopUnit: Unit x is gone")));
}

TEST(ConnectionTest, WhoIsNotLetInIsTold) {
  Server server([](int fd) {
    Server::Read(fd);
    Server::Write(fd, "REJECTED EXTERNAL\r\n");
  });
  EXPECT_THAT(Connection::Open(server.address()).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("REJECTED")));
}

TEST(ConnectionTest, SilenceAndAnEndAreErrors) {
  Server server([](int fd) { Server::Admit(fd); });
  ASSERT_OK_AND_ASSIGN(Connection connection, Connection::Open(server.address()));
  EXPECT_THAT(connection.Call({.path = "/", .member = "Start"}).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("closed")));
  Server mute([](int fd) {
    while (!Server::Read(fd).empty()) {
    }
  });
  EXPECT_THAT(
      Connection::Open(mute.address(), Connection::Claim::kUser, absl::Milliseconds(50)).status(),
      StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST(ConnectionTest, TheSocketThatWasTriedIsNamed) {
  EXPECT_THAT(Connection::Open("unix:path=/no/such/bus").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/bus")));
}

TEST(SocketOfAddressTest, PathsAbstractNamesAndEscapes) {
  EXPECT_EQ(*SocketOfAddress("unix:path=/run/a%20b,guid=12"), "/run/a b");
  EXPECT_EQ(*SocketOfAddress("unix:guid=12,abstract=/x"), std::string("\0/x", 3));
  EXPECT_THAT(SocketOfAddress("tcp:host=a,port=1"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(SocketOfAddress("unix:path="), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tiny::dbus
