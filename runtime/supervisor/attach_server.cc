#include "runtime/supervisor/attach_server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"

namespace tiny::runtime {
namespace {

constexpr uint32_t kWantsOutput = kWantStdout | kWantStderr;

bool Wants(uint32_t wants, FrameType type) {
  switch (type) {
    case FrameType::kStdout:
      return (wants & kWantStdout) != 0;
    case FrameType::kStderr:
      return (wants & kWantStderr) != 0;
    default:
      return (wants & kWantsOutput) != 0;
  }
}

}  // namespace

AttachServer::AttachServer(Poller* poller, Host* host, uint32_t first_tag)
    : poller_(poller), host_(host), first_tag_(first_tag) {}

absl::Status AttachServer::Listen(int directory) {
  listener_.Reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_) return PosixStatus(errno, "make a unix socket");
  // Through the descriptor, as sun_path is too short for some run roots.
  const std::string path = absl::StrCat("/proc/self/fd/", directory, "/attach.sock");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.c_str(), std::min(path.size(), sizeof(address.sun_path) - 1));
  unlinkat(directory, "attach.sock", 0);
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      fchmodat(directory, "attach.sock", 0600, 0) != 0 || listen(listener_.get(), 16) != 0) {
    return PosixStatus(errno, "listen on attach.sock");
  }
  return poller_->Add(listener_.get(), EPOLLIN, first_tag_);
}

uint32_t AttachServer::TagOf(const Client& client) const {
  return first_tag_ + 1 + static_cast<uint32_t>(&client - clients_.data());
}

bool AttachServer::has_clients() const {
  return std::any_of(clients_.begin(), clients_.end(),
                     [](const Client& client) { return static_cast<bool>(client.socket); });
}

void AttachServer::AddClient(UniqueFd socket, const HelloPayload& hello) {
  for (Client& client : clients_) {
    if (client.socket) continue;
    client = Client();
    client.socket = std::move(socket);
    client.greeted = true;
    client.wants = hello.wants;
    client.stdin_open = (hello.wants & kWantStdin) != 0;
    if (!poller_->Add(client.socket.get(), EPOLLIN, TagOf(client)).ok()) client = Client();
    return;
  }
}

void AttachServer::Accept() {
  UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) return;
  // The folder's mode keeps others out already; this holds even if somebody opens it up.
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      (peer.uid != 0 && peer.uid != geteuid())) {
    return;
  }
  for (Client& client : clients_) {
    if (client.socket) continue;
    client = Client();
    client.socket = std::move(socket);
    client.patience_ends = BootNow() + kStallLimit;  // to say Hello
    if (!poller_->Add(client.socket.get(), EPOLLIN, TagOf(client)).ok()) client = Client();
    return;
  }
  const std::string refusal = EncodeStatus(absl::ResourceExhaustedError(
      absl::StrCat("the container has ", kMaxClients, " clients already")));
  SendFrame(socket.get(), FrameType::kRefused, refusal.data(), refusal.size(), MSG_DONTWAIT);
}

void AttachServer::Greet(Client& client, const HelloPayload& hello) {
  if (hello.version != kAttachVersion) {
    const std::string refusal =
        EncodeStatus(WithHint(absl::UnimplementedError(absl::StrCat(
                                  "this container's supervisor speaks version ", kAttachVersion,
                                  " of the protocol, not ", hello.version)),
                              "use the tiny that started the container, or restart the container"));
    SendFrame(client.socket.get(), FrameType::kRefused, refusal.data(), refusal.size(),
              MSG_DONTWAIT);
    return Drop(client);
  }
  client.greeted = true;
  client.wants = hello.wants;
  client.stdin_open = (hello.wants & kWantStdin) != 0;
  client.patience_ends = absl::InfiniteDuration();
  WelcomePayload welcome;
  welcome.tty = tty_ ? 1 : 0;
  const int upper = (hello.wants & kWantUpper) != 0 ? host_->Upper() : -1;
  if (!SendFrame(client.socket.get(), FrameType::kWelcome, &welcome, sizeof(welcome), MSG_DONTWAIT,
                 upper)) {
    return Drop(client);
  }
  if (tty_ && hello.size != WindowSize{}) host_->Resize(hello.size);
}

void AttachServer::Drop(Client& client) {
  if (!client.socket) return;
  StopWaiting(client);
  poller_->Remove(client.socket.get());
  const bool had_stdin = client.stdin_open;
  client = Client();
  if (had_stdin) host_->StdinClosed();
}

// A client with a Stdin frame in hand sends no other, so it may always be read.
void AttachServer::Watch(Client& client) {
  const bool wants_room = client.waiting || client.lagging;
  poller_->Modify(client.socket.get(), EPOLLIN | (wants_room ? EPOLLOUT : 0u), TagOf(client));
}

void AttachServer::OnEvent(uint32_t tag, uint32_t events) {
  if (tag == first_tag_) return Accept();
  Client& client = clients_[tag - first_tag_ - 1];
  if (!client.socket) return;
  if ((events & EPOLLOUT) != 0) OnWritable(client);
  if (client.socket && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Receive(client);
}

void AttachServer::Receive(Client& client) {
  if (buffer_ == nullptr) buffer_.reset(new char[kMaxFrame]);
  const std::optional<Frame> frame = ReceiveFrame(client.socket.get(), buffer_.get(), MSG_DONTWAIT);
  if (!frame.has_value()) {
    if (errno != EAGAIN) Drop(client);
    return;
  }
  if (!client.greeted) {
    const auto hello = ParsePayload<HelloPayload>(frame->payload);
    if (frame->type != FrameType::kHello || !hello.has_value()) return Drop(client);
    return Greet(client, *hello);
  }
  switch (frame->type) {
    case FrameType::kStdin:
      TakeStdin(client, frame->payload);
      break;
    case FrameType::kStdinClose:
      CloseStdin(client);
      break;
    case FrameType::kResize:
      if (const auto size = ParsePayload<WindowSize>(frame->payload)) host_->Resize(*size);
      break;
    case FrameType::kSignal:
      if (const auto signal = ParsePayload<int32_t>(frame->payload)) host_->Signal(*signal);
      break;
    case FrameType::kAlive:
      if (client.waiting && (client.wants & kLossless) != 0) {
        client.patience_ends = BootNow() + kStallLimit;
      }
      break;
    case FrameType::kReload:
      host_->Reload();
      SendFrame(client.socket.get(), FrameType::kReloaded, nullptr, 0, MSG_DONTWAIT);
      break;
    default:
      break;  // of a newer client
  }
}

void AttachServer::TakeStdin(Client& client, absl::string_view data) {
  // One at a time: the client awaits StdinAck before the next.
  if (!client.stdin_open || client.stdin_size > 0 || data.size() > kMaxData) return;
  const size_t taken = host_->WriteStdin(data);
  if (taken < data.size()) {
    client.stdin_data.reset(new char[data.size() - taken]);
    memcpy(client.stdin_data.get(), data.data() + taken, data.size() - taken);
    client.stdin_size = data.size() - taken;
    client.stdin_done = 0;
    return;
  }
  SendFrame(client.socket.get(), FrameType::kStdinAck, nullptr, 0, MSG_DONTWAIT);
}

void AttachServer::CloseStdin(Client& client) {
  if (!client.stdin_open) return;
  if (client.stdin_size > 0) {
    client.close_after_stdin = true;
    return;
  }
  client.stdin_open = false;
  host_->StdinClosed();
}

void AttachServer::OnStdinWritable() {
  for (Client& client : clients_) {
    if (client.stdin_size == 0) continue;
    client.stdin_done += host_->WriteStdin(absl::string_view(
        client.stdin_data.get() + client.stdin_done, client.stdin_size - client.stdin_done));
    if (client.stdin_done < client.stdin_size) return;
    client.stdin_size = 0;
    client.stdin_data.reset();
    SendFrame(client.socket.get(), FrameType::kStdinAck, nullptr, 0, MSG_DONTWAIT);
    if (client.close_after_stdin) CloseStdin(client);
  }
}

void AttachServer::Give(Client& client) {
  if (client.lagging) {
    client.lost += piece_type_ == FrameType::kExited ? 0 : piece_.size();
    return;
  }
  if (SendFrame(client.socket.get(), piece_type_, piece_.data(), piece_.size(), MSG_DONTWAIT)) {
    return;
  }
  if (errno != EAGAIN) return Drop(client);
  client.waiting = true;
  ++waiting_;
  client.patience_ends = BootNow() + kStallLimit;
  Watch(client);
}

void AttachServer::Offer(FrameType stream, absl::string_view data) {
  piece_type_ = stream;
  piece_ = data;
  for (Client& client : clients_) {
    if (client.socket && client.greeted && Wants(client.wants, stream)) Give(client);
  }
}

void AttachServer::StopWaiting(Client& client) {
  if (!client.waiting) return;
  client.waiting = false;
  client.patience_ends = absl::InfiniteDuration();
  --waiting_;
}

void AttachServer::LeaveBehind(Client& client) {
  StopWaiting(client);
  client.lagging = true;
  client.lost += piece_type_ == FrameType::kExited ? 0 : piece_.size();
  Watch(client);
}

void AttachServer::GiveUpWaiting() {
  for (Client& client : clients_) {
    if (client.waiting) LeaveBehind(client);
  }
}

void AttachServer::OnWritable(Client& client) {
  if (client.waiting) {
    if (!SendFrame(client.socket.get(), piece_type_, piece_.data(), piece_.size(), MSG_DONTWAIT)) {
      if (errno != EAGAIN) Drop(client);
      return;
    }
    StopWaiting(client);
  } else if (client.lagging) {
    if (!SendFrame(client.socket.get(), FrameType::kGap, client.lost, MSG_DONTWAIT)) {
      if (errno != EAGAIN) Drop(client);
      return;
    }
    client.lagging = false;
    client.lost = 0;
  }
  Watch(client);
}

void AttachServer::TellWatchers(int exit_code, bool final) {
  const ExitedPayload exited{exit_code, 0};
  for (Client& client : clients_) {
    if (!client.socket || !client.greeted || (client.wants & kWantsOutput) != 0) continue;
    if ((client.wants & kWantFinalExit) != 0 && !final) continue;
    if (!SendFrame(client.socket.get(), FrameType::kExited, exited, MSG_DONTWAIT)) Drop(client);
  }
}

void AttachServer::OfferExited(int exit_code) {
  exited_ = ExitedPayload{exit_code, 0};
  Offer(FrameType::kExited,
        absl::string_view(reinterpret_cast<const char*>(&exited_), sizeof(exited_)));
}

absl::Duration AttachServer::deadline() const {
  absl::Duration earliest = absl::InfiniteDuration();
  for (const Client& client : clients_) {
    if (client.socket) earliest = std::min(earliest, client.patience_ends);
  }
  return earliest;
}

void AttachServer::OnTime(absl::Duration now) {
  for (Client& client : clients_) {
    if (!client.socket || client.patience_ends > now) continue;
    if (client.waiting) {
      LeaveBehind(client);
    } else {
      Drop(client);  // never said Hello
    }
  }
}

}  // namespace tiny::runtime
