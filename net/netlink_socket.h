// A netlink socket: a whole batch of requests in one sendmsg(2), every answer checked.
//
//   ASSIGN_OR_RETURN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_ROUTE));
//   RETURN_IF_ERROR(socket.Execute(batch));  // "create bridge td0: file exists (EEXIST)"
//
// A socket belongs to the network namespace that it was opened in and may be kept. Answers are
// matched by sequence number, port and sender; the kernel's extended acknowledgement is part of the
// error's text; strict checking is on, so that a dump's filter is obeyed or refused.
// Errors: PosixStatus with the request's own words; kDeadlineExceeded if the kernel does not answer
// for 10 seconds; kDataLoss for an answer that does not fit its own description.
// Thread-compatible. Source: netlink(7), Documentation/userspace-api/netlink/intro.rst.
#ifndef TINY_NET_NETLINK_SOCKET_H_
#define TINY_NET_NETLINK_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "net/netlink_message.h"

namespace tiny::net {

class NetlinkSocket {
 public:
  // Called with each message that is data (not an acknowledgement) and the index of its request. A
  // status that is not ok is returned by Execute once all answers have been read.
  using ReplyHandler = absl::FunctionRef<absl::Status(size_t request, const MessageView& reply)>;

  // In the calling thread's namespace, or in that of `netns`. `protocol`: NETLINK_ROUTE, ...
  static absl::StatusOr<NetlinkSocket> Open(int protocol);
  static absl::StatusOr<NetlinkSocket> OpenIn(int netns, int protocol);

  // Sends the batch and reads all answers. Returns the first error that a request does not
  // tolerate. The kernel goes on after a failed request (but for an nft batch, which it rolls
  // back), so that later ones may have been done.
  absl::Status Execute(MessageBuilder& batch);
  absl::Status Execute(MessageBuilder& batch, ReplyHandler on_reply);

  // Execute for requests that only read (NLM_F_DUMP, or a plain get): started anew where the kernel
  // says that the dump was interrupted by a change (NLM_F_DUMP_INTR) or where an answer did not
  // fit. `restart` is called before each attempt and clears what on_reply has gathered.
  absl::Status Query(MessageBuilder& batch, absl::FunctionRef<void()> restart,
                     ReplyHandler on_reply);

  int fd() const { return fd_.get(); }
  // How many batches were sent.
  int round_trips() const { return round_trips_; }

 private:
  enum class Outcome { kDone, kInterrupted, kTruncated };

  NetlinkSocket(UniqueFd fd, uint32_t port);
  absl::Status Transact(MessageBuilder& batch, ReplyHandler on_reply, Outcome* outcome);
  absl::Status Send(absl::string_view bytes, const MessageBuilder& batch);
  // One datagram from the kernel; empty on a time-out of `milliseconds`.
  absl::StatusOr<absl::string_view> Receive(int milliseconds, bool* truncated);
  void Grow(size_t size);

  UniqueFd fd_;
  uint32_t port_ = 0;
  uint32_t next_sequence_ = 1;
  int round_trips_ = 0;
  // Not zeroed: the pages that are not needed are never touched.
  std::unique_ptr<char[]> buffer_;
  size_t buffer_size_ = 0;
};

}  // namespace tiny::net

#endif  // TINY_NET_NETLINK_SOCKET_H_
