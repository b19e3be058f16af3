#include "runtime/network/loopback_relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <list>
#include <map>
#include <string>
#include <utility>

#include "net/ip_address.h"
#include "runtime/network/datagram_relay.h"
#include "runtime/network/port_publisher.h"
#include "runtime/network/socket_address.h"

namespace tiny::runtime {
namespace {

constexpr int kMaxEvents = 16;
constexpr size_t kPiece = size_t{16} << 10;
// Of one connection before the others, and the container's own streams, get their turn.
constexpr int kPiecesAtOnce = 16;

// A socket that serves a port at [::1].
struct Holder {
  uint16_t port = 0;  // 0: it is none
  bool is_datagram = false;
};

Holder HolderOf(int fd) {
  SocketAddress address;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
  int type = 0;
  socklen_t size = sizeof(type);
  if (getsockname(fd, address.get(), &address.length) != 0 || v6->sin6_family != AF_INET6 ||
      !IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
      getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type == SOCK_SEQPACKET) {
    return {};
  }
  return {ntohs(v6->sin6_port), type == SOCK_DGRAM};
}

// One of the two directions of a connection.
struct Direction {
  std::string unsent;
  bool ended = false;  // nothing more will be read
  bool shut = false;   // and the reader knows
};

struct Connection {
  UniqueFd ends[2];  // the client, the container
  Direction from[2];
  uint32_t watched[2] = {0, 0};
};

// Moves what can be moved from one end to the other; false if the connection is broken.
bool Pump(Connection& connection, int from) {
  const int in = connection.ends[from].get();
  const int out = connection.ends[1 - from].get();
  Direction& direction = connection.from[from];
  char piece[kPiece];
  for (int pieces = 0; pieces < kPiecesAtOnce; ++pieces) {
    if (direction.unsent.empty()) {
      if (direction.ended) break;
      const ssize_t size = recv(in, piece, sizeof(piece), 0);
      if (size < 0) return errno == EAGAIN || errno == EINTR;
      direction.ended = size == 0;
      direction.unsent.assign(piece, static_cast<size_t>(size));
      continue;
    }
    const ssize_t sent = send(out, direction.unsent.data(), direction.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    direction.unsent.erase(0, static_cast<size_t>(sent));
  }
  if (direction.ended && direction.unsent.empty() && !direction.shut) {
    direction.shut = shutdown(out, SHUT_WR) == 0;
  }
  return true;
}

class LoopbackRelayImpl : public LoopbackRelay {
 public:
  explicit LoopbackRelayImpl(UniqueFd epoll) : epoll_(std::move(epoll)), datagrams_(epoll_.get()) {}

  void Listen(int fd, bool is_datagram, const net::IpAddress& address, uint16_t port) {
    if (is_datagram) return datagrams_.Listen(fd, address, port);
    epoll_event event = {EPOLLIN, {.fd = fd}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) targets_[fd] = {address, port};
  }
  bool empty() const { return targets_.empty() && datagrams_.empty(); }
  int fd() const override { return epoll_.get(); }

  void OnReadable() override {
    epoll_event events[kMaxEvents];
    const int count = epoll_wait(epoll_.get(), events, kMaxEvents, 0);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (const auto target = targets_.find(fd); target != targets_.end()) {
        Accept(fd, target->second);
      } else if (const auto connection = by_fd_.find(fd); connection != by_fd_.end()) {
        Serve(connection->second);
      } else {
        datagrams_.OnReadable(fd);
      }
    }
  }

 private:
  using Iterator = std::list<Connection>::iterator;
  struct Target {
    net::IpAddress address;
    uint16_t port = 0;
  };

  void WatchListeners(uint32_t events) {
    for (const auto& [fd, target] : targets_) {
      epoll_event event = {events, {.fd = fd}};
      (void)epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
    }
  }

  void Accept(int listener, const Target& target) {
    UniqueFd client(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) return;
    UniqueFd server = StartConnection(SOCK_STREAM, target.address, target.port);
    if (!server) return;
    connections_.emplace_back();
    const Iterator connection = std::prev(connections_.end());
    connection->ends[0] = std::move(client);
    connection->ends[1] = std::move(server);
    for (const UniqueFd& end : connection->ends) by_fd_[end.get()] = connection;
    // Until the container has answered, nothing is read from the client.
    Watch(*connection, 1, EPOLLOUT);
    if (connections_.size() == kMaxConnections) WatchListeners(0);
  }

  // An end that nothing is waited for is not there at all: a hang-up is reported unasked.
  void Watch(Connection& connection, int end, uint32_t events) {
    if (connection.watched[end] == events) return;
    const int operation = connection.watched[end] == 0 ? EPOLL_CTL_ADD
                          : events == 0                ? EPOLL_CTL_DEL
                                                       : EPOLL_CTL_MOD;
    connection.watched[end] = events;
    const int fd = connection.ends[end].get();
    epoll_event event = {events, {.fd = fd}};
    (void)epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  void Serve(Iterator connection) {
    const bool whole = Pump(*connection, 0) && Pump(*connection, 1);
    if (!whole || (connection->from[0].shut && connection->from[1].shut)) return Close(connection);
    for (const int end : {0, 1}) {
      const Direction& in = connection->from[end];
      const Direction& out = connection->from[1 - end];
      Watch(*connection, end,
            (in.unsent.empty() && !in.ended ? EPOLLIN : 0U) | (out.unsent.empty() ? 0U : EPOLLOUT));
    }
  }

  void Close(Iterator connection) {
    for (const UniqueFd& end : connection->ends) by_fd_.erase(end.get());
    if (connections_.size() == kMaxConnections) WatchListeners(EPOLLIN);
    connections_.erase(connection);
  }

  UniqueFd epoll_;
  std::map<int, Target> targets_;
  std::list<Connection> connections_;
  std::map<int, Iterator> by_fd_;
  DatagramRelay datagrams_;
};

}  // namespace

std::unique_ptr<LoopbackRelay> LoopbackRelay::Open(
    const std::vector<UniqueFd>& holders, const std::vector<state::PortMapping>& ports,
    const std::vector<state::NetworkEndpoint>& endpoints) {
  std::unique_ptr<LoopbackRelayImpl> relay;
  for (const UniqueFd& holder : holders) {
    const Holder held = HolderOf(holder.get());
    if (held.port == 0) continue;
    const auto port = std::find_if(ports.begin(), ports.end(), [&](const auto& mapping) {
      return mapping.host_port == held.port && IsServedAtLoopback6(mapping) &&
             (mapping.protocol == "udp") == held.is_datagram;
    });
    // Ports lead to the first network on a bridge of the host's.
    const auto endpoint = std::find_if(endpoints.begin(), endpoints.end(), [](const auto& entry) {
      return !entry.host_interface.empty();
    });
    if (port == ports.end() || endpoint == endpoints.end()) continue;
    auto address = net::ParseIpAddress(endpoint->ip);
    if (!address.ok()) continue;
    if (relay == nullptr) {
      UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
      if (!epoll) return nullptr;
      relay = std::make_unique<LoopbackRelayImpl>(std::move(epoll));
    }
    relay->Listen(holder.get(), held.is_datagram, *address, port->container_port);
  }
  if (relay == nullptr || relay->empty()) return nullptr;
  return relay;
}

}  // namespace tiny::runtime
