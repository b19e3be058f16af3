// The part of a LoopbackRelay that serves UDP: what comes to a socket at [::1] goes on to the
// container from a socket of each client's own, so that its answers find their way back.
//
// UDP has no end of a conversation, so the kMaxClients that were heard last are kept: the next one
// takes the place of the one that was silent longest. What a socket has no room for is dropped, as
// UDP may. Never blocks. Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_DATAGRAM_RELAY_H_
#define TINY_RUNTIME_NETWORK_DATAGRAM_RELAY_H_

#include <netinet/in.h>

#include <cstdint>
#include <list>
#include <map>
#include <utility>

#include "base/unique_fd.h"
#include "net/ip_address.h"

namespace tiny::runtime {

class DatagramRelay {
 public:
  static constexpr size_t kMaxClients = 256;

  // `epoll` is waited on by the owner; both are borrowed. Its events' data is the descriptor.
  explicit DatagramRelay(int epoll) : epoll_(epoll) {}
  DatagramRelay(const DatagramRelay&) = delete;
  DatagramRelay& operator=(const DatagramRelay&) = delete;

  // Serves the bound socket `fd`, which must outlive the relay.
  void Listen(int fd, const net::IpAddress& address, uint16_t port);
  bool empty() const { return targets_.empty(); }
  // Call when `fd` is readable; does nothing if it is none of the relay's.
  void OnReadable(int fd);

 private:
  struct Target {
    net::IpAddress address;
    uint16_t port = 0;
  };
  struct Client {
    int listener = -1;
    sockaddr_in6 address = {};
    UniqueFd container;  // connected to the container
  };
  using Iterator = std::list<Client>::iterator;
  using Key = std::pair<int, in_port_t>;  // the listener and the client's port at ::1

  void FromClients(int listener, const Target& target);
  void FromContainer(Iterator client);
  // Where it goes on; end() if there is no socket to be had.
  Iterator ClientAt(int listener, const Target& target, const sockaddr_in6& address);
  void Forget(Iterator client);

  const int epoll_;
  std::map<int, Target> targets_;
  std::list<Client> clients_;  // heard last first
  std::map<Key, Iterator> by_address_;
  std::map<int, Iterator> by_fd_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_DATAGRAM_RELAY_H_
