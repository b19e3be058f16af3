// What a container's supervisor and its clients say to each other on <run_root>/<id>/attach.sock.
//
// The socket is SOCK_SEQPACKET: one message is one frame, a FrameHeader and its payload, so that a
// frame is never read by halves and never waits in a buffer of ours. The client speaks first:
//
//   client                          supervisor
//   Hello {version, what it wants} →
//                                  ← Welcome {version, tty}      (or Refused {status}, and the end)
//                                    with the upper directory's descriptor, if it is wanted
//   Stdin (one at a time)          →
//                                  ← StdinAck                    (written: send the next)
//   StdinClose, Resize, Signal     →
//                                  ← Stdout, Stderr              (at most kMaxData bytes each)
//   Alive                          →                             (see "slow clients")
//   Reload                         →                             (the record has changed)
//                                  ← Reloaded                    (and what it has not is let go of)
//                                  ← Exited {exit code}          (after the last byte of output)
//
// Slow clients. A client that does not take its output holds the container's writers back, as a
// pipe would, but only for kStallLimit: then it is left behind, the others and the log go on, and
// when it reads again it gets Gap {bytes lost} first. A client that asked for kLossless and says
// Alive at least every kAliveInterval while its own output is blocked is waited for without limit
// (`tiny run ... | less`); one that is stopped or hung says nothing and is left behind.
//
// Numbers are in the machine's byte order: both ends are processes of one machine. A newer client
// may meet an older supervisor: fields are only ever added at the end, and a payload may be longer
// than the reader knows.
#ifndef TINY_RUNTIME_ATTACH_PROTOCOL_H_
#define TINY_RUNTIME_ATTACH_PROTOCOL_H_

#include <stdint.h>
#include <sys/uio.h>

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"

namespace tiny::runtime {

inline constexpr uint32_t kAttachVersion = 1;
inline constexpr size_t kMaxData = 32 * 1024;        // of a Stdin, Stdout or Stderr frame
inline constexpr size_t kMaxFrame = kMaxData + 256;  // with the header
inline constexpr absl::Duration kStallLimit = absl::Seconds(3);
inline constexpr absl::Duration kAliveInterval = absl::Seconds(1);

enum class FrameType : uint8_t {
  kHello = 1,
  kStdin,
  kStdinClose,
  kResize,
  kSignal,
  kAlive,
  kReload,
  kWelcome = 64,
  kRefused,
  kStarted,      // to the client that started the container: its program runs
  kStartFailed,  // {status}
  kStdout,
  kStderr,
  kStdinAck,
  kGap,
  kExited,
  kNote,  // to the client that starts the container: {text} that its user should read
  kReloaded,
};

struct FrameHeader {
  FrameType type;
  uint8_t reserved[7] = {};
};
static_assert(sizeof(FrameHeader) == 8);

// Hello.wants
inline constexpr uint32_t kWantStdin = 1;
inline constexpr uint32_t kWantStdout = 2;
inline constexpr uint32_t kWantStderr = 4;
inline constexpr uint32_t kLossless = 8;
inline constexpr uint32_t kWantFinalExit = 16;  // no Exited before a run that is not restarted
inline constexpr uint32_t kWantUpper = 32;      // the upper directory of a throw-away root

struct WindowSize {
  uint16_t rows = 0;
  uint16_t columns = 0;

  bool operator==(const WindowSize&) const = default;
};

struct HelloPayload {
  uint32_t version = kAttachVersion;
  uint32_t wants = 0;
  WindowSize size;  // 0x0: not known
};

struct WelcomePayload {
  uint32_t version = kAttachVersion;
  uint32_t tty = 0;
};

struct ExitedPayload {
  int32_t exit_code = 0;
  uint32_t reserved = 0;
};

// Sends one frame; false with errno set where it could not be sent whole. `flags` are those of
// send(2); MSG_NOSIGNAL is added.
// With a `descriptor` of 0 or more, that goes with it.
bool SendFrame(int socket, FrameType type, const void* payload, size_t size, int flags,
               int descriptor = -1);
template <typename Payload>
bool SendFrame(int socket, FrameType type, const Payload& payload, int flags) {
  return SendFrame(socket, type, &payload, sizeof(payload), flags);
}

struct Frame {
  FrameType type;
  absl::string_view payload;  // into the caller's buffer
};

// Receives one frame into `buffer` of kMaxFrame bytes. Nothing when the other end is gone or sends
// what is not a frame; then errno is 0, or says what recv(2) said: EAGAIN among others. A
// descriptor that came with it goes to `descriptor`.
std::optional<Frame> ReceiveFrame(int socket, char* buffer, int flags,
                                  UniqueFd* descriptor = nullptr);

// The payload as a struct; a shorter one is refused, a longer one cut.
template <typename Payload>
std::optional<Payload> ParsePayload(absl::string_view bytes) {
  if (bytes.size() < sizeof(Payload)) return std::nullopt;
  Payload payload;
  __builtin_memcpy(&payload, bytes.data(), sizeof(payload));
  return payload;
}

// A status with its message and all its payloads (errno, hint), as bytes; cut to fit a frame.
std::string EncodeStatus(const absl::Status& status);
// The reverse. Bytes that are no status are kInternal.
absl::Status DecodeStatus(absl::string_view bytes);

// Connects to a supervisor's socket. kUnavailable where nobody listens.
absl::StatusOr<UniqueFd> ConnectTo(absl::string_view socket_path);

// Connects, says Hello and awaits Welcome, for at most `patience`: kDeadlineExceeded after that,
// as for a supervisor that is stopped.
struct Connection {
  UniqueFd socket;
  bool tty = false;
  UniqueFd upper;  // with kWantUpper, where the supervisor has it
};
absl::StatusOr<Connection> ConnectAndGreet(absl::string_view socket_path, const HelloPayload& hello,
                                           absl::Duration patience);

// Shows a Note's text on stderr: one line, "tiny: note: ...".
void PrintNote(absl::string_view text);

// Reads until Exited (its code), or until the other end is gone (kUnavailable), or the time is
// over (kDeadlineExceeded).
absl::StatusOr<int> AwaitExited(int socket, absl::Duration patience);

// Reads until Reloaded; the errors are those of AwaitExited.
absl::Status AwaitReloaded(int socket, absl::Duration patience);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_ATTACH_PROTOCOL_H_
