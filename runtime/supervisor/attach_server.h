// The supervisor's half of the attach protocol: the clients of one container.
//
// One piece of output is in flight at a time. It is the caller's buffer, which stays as it is until
// busy() is false again; meanwhile the caller reads no more of the container's output. So nothing
// is ever queued here, and memory is bounded by the number of clients. attach/protocol.h has the
// policy for slow ones. Thread-compatible.
#ifndef TINY_RUNTIME_SUPERVISOR_ATTACH_SERVER_H_
#define TINY_RUNTIME_SUPERVISOR_ATTACH_SERVER_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "runtime/attach/protocol.h"
#include "runtime/supervisor/poller.h"

namespace tiny::runtime {

class AttachServer {
 public:
  // What clients ask of the container.
  class Host {
   public:
    virtual ~Host() = default;
    // How many of the bytes were taken; fewer than all: OnStdinWritable is called later.
    virtual size_t WriteStdin(absl::string_view data) = 0;
    // A client that had the stdin open has closed it or gone.
    virtual void StdinClosed() = 0;
    virtual void Resize(WindowSize size) = 0;
    virtual void Signal(int signal) = 0;
    virtual void Reload() = 0;
    // The upper directory of a throw-away root; -1: none. Clients that ask for it get it.
    virtual int Upper() = 0;
  };

  static constexpr size_t kMaxClients = 32;

  // Events come back from the poller with tags from `first_tag` to first_tag + kMaxClients: the
  // listening socket's is the first.
  AttachServer(Poller* poller, Host* host, uint32_t first_tag);

  // Listens on `directory`/attach.sock, mode 0600.
  absl::Status Listen(int directory);
  // Takes no more clients; those that are there stay.
  void StopListening() { listener_.Reset(); }

  // The client that started the container, over a socket pair that it shares with us.
  void AddClient(UniqueFd socket, const HelloPayload& hello);

  void set_tty(bool tty) { tty_ = tty; }
  bool has_clients() const;

  void OnEvent(uint32_t tag, uint32_t events);

  // Begins to give a piece of output (at most kMaxData bytes) to every client that wants it.
  // Only while !busy().
  void Offer(FrameType stream, absl::string_view data);
  // A client has not taken it yet.
  bool busy() const { return waiting_ > 0; }
  // Leaves every client that is waited for behind, however alive it is.
  void GiveUpWaiting();

  // Tells that the container has exited to those who watch for it and read no output: at once.
  void TellWatchers(int exit_code, bool final);
  // And to those who do, as the next piece that is in flight. Only while !busy().
  void OfferExited(int exit_code);

  // The container's stdin can take bytes again.
  void OnStdinWritable();

  // When OnTime is to be called next.
  absl::Duration deadline() const;
  void OnTime(absl::Duration now);

 private:
  struct Client {
    UniqueFd socket;
    bool greeted = false;
    uint32_t wants = 0;
    bool waiting = false;  // for this one the piece in flight waits
    bool lagging = false;  // left behind: gets a Gap when it reads again
    uint64_t lost = 0;     // bytes since then
    absl::Duration patience_ends = absl::InfiniteDuration();
    // A Stdin frame that the container has not taken whole yet.
    std::unique_ptr<char[]> stdin_data;
    size_t stdin_size = 0;
    size_t stdin_done = 0;
    bool stdin_open = false;
    bool close_after_stdin = false;
  };

  uint32_t TagOf(const Client& client) const;
  void Accept();
  void Greet(Client& client, const HelloPayload& hello);
  void Drop(Client& client);
  void Watch(Client& client);
  void Receive(Client& client);
  void OnWritable(Client& client);
  void TakeStdin(Client& client, absl::string_view data);
  void CloseStdin(Client& client);
  void Give(Client& client);
  void StopWaiting(Client& client);
  void LeaveBehind(Client& client);

  Poller* poller_;
  Host* host_;
  uint32_t first_tag_;
  bool tty_ = false;
  UniqueFd listener_;
  std::array<Client, kMaxClients> clients_;
  size_t waiting_ = 0;
  FrameType piece_type_ = FrameType::kStdout;
  absl::string_view piece_;
  ExitedPayload exited_;
  std::unique_ptr<char[]> buffer_;  // for frames that come in; made when the first does
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_ATTACH_SERVER_H_
