#include "net/netlink_socket.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/timeline.h"
#include "net/network_namespace.h"

namespace tiny::net {
namespace {

constexpr size_t kInitialBuffer = size_t{32} << 10;  // the kernel's own limit for a dump's datagram
constexpr size_t kLargestBuffer = size_t{64} << 20;
constexpr int kAnswerTimeoutMilliseconds = 10'000;
constexpr int kMaxRestarts = 50;
// Acknowledgements beyond this many might not fit in the default receive buffer.
constexpr size_t kManyRequests = 64;
constexpr size_t kDefaultSendBuffer = size_t{128} << 10;

absl::Status Failure(const RequestInfo& request, const Acknowledgement& answer) {
  return PosixStatus(answer.error_number,
                     answer.text.empty()
                         ? request.what
                         : absl::StrCat(request.what, " (kernel: ", answer.text, ")"));
}

void SetOption(int fd, int level, int option, int value) {
  // Each is an improvement that an old kernel may lack: its absence is no error.
  (void)setsockopt(fd, level, option, &value, sizeof(value));
}

// What a batch still waits for.
class Pending {
 public:
  explicit Pending(const MessageBuilder& batch) : requests_(batch.requests()) {
    for (size_t i = requests_.size(); i-- > 0;) {
      if (!requests_[i].answered) continue;
      last_ = i;
      return;
    }
    done_ = true;
  }

  bool done() const { return done_; }
  const absl::Status& status() const { return status_; }

  void Error(size_t index, const Acknowledgement& answer) {
    const RequestInfo& request = requests_[index];
    if (answer.error_number != 0 && answer.error_number != request.tolerated && status_.ok()) {
      status_ = Failure(request, answer);
    }
    // An error for an end of an nft batch is one for the whole of it.
    if (index == last_ || (!request.answered && answer.error_number != 0)) done_ = true;
  }

  void Done(size_t index) {
    if (index == last_) done_ = true;
  }

  void Handler(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

 private:
  const std::vector<RequestInfo>& requests_;
  size_t last_ = static_cast<size_t>(-1);
  bool done_ = false;
  absl::Status status_;
};

}  // namespace

NetlinkSocket::NetlinkSocket(UniqueFd fd, uint32_t port) : fd_(std::move(fd)), port_(port) {}

absl::StatusOr<NetlinkSocket> NetlinkSocket::Open(int protocol) {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return PosixStatus(errno, absl::StrCat("open a netlink socket of protocol ", protocol));
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  socklen_t length = sizeof(address);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return PosixStatus(errno, "bind a netlink socket");
  }
  SetOption(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, 1);
  SetOption(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, 1);
  SetOption(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
  return NetlinkSocket(std::move(fd), address.nl_pid);
}

absl::StatusOr<NetlinkSocket> NetlinkSocket::OpenIn(int netns, int protocol) {
  absl::StatusOr<NetlinkSocket> socket = absl::UnknownError("not opened");
  RETURN_IF_ERROR(RunInNetworkNamespace(netns, [&] {
    socket = Open(protocol);
    return socket.status();
  }));
  return socket;
}

void NetlinkSocket::Grow(size_t size) {
  buffer_.reset(new char[size]);
  buffer_size_ = size;
}

absl::Status NetlinkSocket::Send(absl::string_view bytes, const MessageBuilder& batch) {
  if (bytes.size() > kDefaultSendBuffer) {
    SetOption(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, static_cast<int>(bytes.size() * 2));
  }
  if (batch.requests().size() > kManyRequests) {
    SetOption(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE,
              static_cast<int>(std::min<size_t>(batch.requests().size() * 2048, 64 << 20)));
  }
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message = {};
  message.msg_name = &kernel;
  message.msg_namelen = sizeof(kernel);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t sent;
  do {
    sent = sendmsg(fd_.get(), &message, 0);
  } while (sent < 0 && errno == EINTR);
  ++round_trips_;
  Timeline::Count(Tally::kNetlinkMessages, static_cast<uint32_t>(batch.requests().size()));
  if (sent >= 0) return absl::OkStatus();
  return PosixStatus(errno, absl::StrCat(batch.requests().front().what, ": send to the kernel"));
}

absl::StatusOr<absl::string_view> NetlinkSocket::Receive(int milliseconds, bool* truncated) {
  if (buffer_size_ == 0) Grow(kInitialBuffer);
  while (true) {
    sockaddr_nl sender = {};
    iovec part = {buffer_.get(), buffer_size_};
    msghdr message = {};
    message.msg_name = &sender;
    message.msg_namelen = sizeof(sender);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t size = recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_TRUNC);
    if (size >= 0) {
      // Any process may send to a netlink socket; only port 0 is the kernel.
      if (message.msg_namelen != sizeof(sender) || sender.nl_pid != 0) continue;
      if ((message.msg_flags & MSG_TRUNC) != 0) {
        *truncated = true;
        if (static_cast<size_t>(size) > kLargestBuffer) {
          return absl::DataLossError(absl::StrCat("a netlink answer has ", size, " bytes"));
        }
        Grow(std::max(static_cast<size_t>(size), buffer_size_ * 2));
        return absl::string_view();
      }
      return absl::string_view(buffer_.get(), static_cast<size_t>(size));
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return PosixStatus(errno, "read the kernel's answer");
    // The kernel answers while sendmsg(2) runs, except to dumps: waiting is rare.
    pollfd ready = {fd_.get(), POLLIN, 0};
    const int count = milliseconds == 0 ? 0 : poll(&ready, 1, milliseconds);
    if (count < 0 && errno != EINTR) return PosixStatus(errno, "wait for the kernel's answer");
    if (count == 0) return absl::string_view();
  }
}

absl::Status NetlinkSocket::Transact(MessageBuilder& batch, ReplyHandler on_reply,
                                     Outcome* outcome) {
  *outcome = Outcome::kDone;
  RETURN_IF_ERROR(batch.status());
  if (batch.empty()) return absl::OkStatus();
  const uint32_t first = next_sequence_;
  const size_t count = batch.requests().size();
  const absl::string_view bytes = batch.Finish(first);
  next_sequence_ += static_cast<uint32_t>(count);
  RETURN_IF_ERROR(Send(bytes, batch));

  Pending pending(batch);
  while (!pending.done()) {
    bool truncated = false;
    ASSIGN_OR_RETURN(const absl::string_view datagram,
                     Receive(kAnswerTimeoutMilliseconds, &truncated));
    if (truncated) {
      // The rest is read all the same: a socket can't begin a dump while another runs on it.
      *outcome = Outcome::kTruncated;
      continue;
    }
    if (datagram.empty()) {
      return absl::DeadlineExceededError(
          absl::StrCat(batch.requests().front().what, ": the kernel does not answer"));
    }
    MessageReader reader(datagram);
    while (const auto message = reader.Next()) {
      const size_t index = message->header.nlmsg_seq - first;
      if (message->header.nlmsg_pid != port_ || index >= count) continue;  // of an earlier batch
      if ((message->header.nlmsg_flags & NLM_F_DUMP_INTR) != 0 && *outcome == Outcome::kDone) {
        *outcome = Outcome::kInterrupted;
      }
      if (message->header.nlmsg_type == NLMSG_ERROR) {
        const auto answer = ParseAcknowledgement(*message);
        if (!answer) return absl::DataLossError("a netlink acknowledgement is malformed");
        pending.Error(index, *answer);
      } else if (message->header.nlmsg_type == NLMSG_DONE) {
        // A dump that fails half-way says so here, as a negative errno.
        const int error = message->Header<int>().value_or(0);
        if (error < 0) pending.Error(index, {-error, ""});
        pending.Done(index);
      } else if (message->header.nlmsg_type >= NLMSG_MIN_TYPE) {
        pending.Handler(on_reply(index, *message));
      }
    }
    if (reader.malformed()) return absl::DataLossError("a netlink datagram is malformed");
  }
  return pending.status();
}

absl::Status NetlinkSocket::Execute(MessageBuilder& batch) {
  return Execute(batch, [](size_t, const MessageView&) { return absl::OkStatus(); });
}

absl::Status NetlinkSocket::Execute(MessageBuilder& batch, ReplyHandler on_reply) {
  Outcome outcome;
  RETURN_IF_ERROR(Transact(batch, on_reply, &outcome));
  if (outcome != Outcome::kTruncated) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(batch.requests().front().what, ": the kernel's answer did not fit"));
}

absl::Status NetlinkSocket::Query(MessageBuilder& batch, absl::FunctionRef<void()> restart,
                                  ReplyHandler on_reply) {
  for (int attempt = 0; attempt < kMaxRestarts; ++attempt) {
    restart();
    Outcome outcome;
    const absl::Status status = Transact(batch, on_reply, &outcome);
    // ENOBUFS: answers were dropped, as happens when the machine's links churn.
    if (outcome == Outcome::kDone && GetErrno(status) != ENOBUFS) return status;
    if (outcome == Outcome::kInterrupted && !status.ok()) return status;
  }
  return absl::AbortedError(absl::StrCat(
      batch.requests().empty() ? std::string("netlink query") : batch.requests().front().what,
      ": interrupted by changes ", kMaxRestarts, " times"));
}

}  // namespace tiny::net
