#include "runtime/network/datagram_relay.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <iterator>

#include "runtime/network/socket_address.h"

namespace tiny::runtime {
namespace {

constexpr size_t kLargestDatagram = 65535;
// Of one socket before the others get their turn.
constexpr int kDatagramsAtOnce = 64;

bool Watch(int epoll, int fd) {
  epoll_event event = {EPOLLIN, {.fd = fd}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

void DatagramRelay::Listen(int fd, const net::IpAddress& address, uint16_t port) {
  if (Watch(epoll_, fd)) targets_[fd] = {address, port};
}

void DatagramRelay::OnReadable(int fd) {
  if (const auto target = targets_.find(fd); target != targets_.end()) {
    FromClients(fd, target->second);
  } else if (const auto client = by_fd_.find(fd); client != by_fd_.end()) {
    FromContainer(client->second);
  }
}

void DatagramRelay::FromClients(int listener, const Target& target) {
  char datagram[kLargestDatagram];
  for (int count = 0; count < kDatagramsAtOnce; ++count) {
    sockaddr_in6 address = {};
    socklen_t length = sizeof(address);
    const ssize_t size = recvfrom(listener, datagram, sizeof(datagram), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&address), &length);
    if (size < 0) return;
    const Iterator client = ClientAt(listener, target, address);
    if (client == clients_.end()) continue;
    (void)send(client->container.get(), datagram, static_cast<size_t>(size),
               MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}

void DatagramRelay::FromContainer(Iterator client) {
  char datagram[kLargestDatagram];
  for (int count = 0; count < kDatagramsAtOnce; ++count) {
    // An error is a report that an earlier datagram was refused: it is taken, and the next is read.
    const ssize_t size = recv(client->container.get(), datagram, sizeof(datagram), MSG_DONTWAIT);
    if (size < 0) return;
    (void)sendto(client->listener, datagram, static_cast<size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&client->address), sizeof(client->address));
  }
}

DatagramRelay::Iterator DatagramRelay::ClientAt(int listener, const Target& target,
                                                const sockaddr_in6& address) {
  const Key key = {listener, address.sin6_port};
  if (const auto known = by_address_.find(key); known != by_address_.end()) {
    clients_.splice(clients_.begin(), clients_, known->second);
    return known->second;
  }
  if (clients_.size() == kMaxClients) Forget(std::prev(clients_.end()));
  UniqueFd container = StartConnection(SOCK_DGRAM, target.address, target.port);
  if (!container || !Watch(epoll_, container.get())) return clients_.end();
  clients_.push_front({listener, address, std::move(container)});
  by_address_[key] = by_fd_[clients_.front().container.get()] = clients_.begin();
  return clients_.begin();
}

void DatagramRelay::Forget(Iterator client) {
  by_address_.erase({client->listener, client->address.sin6_port});
  by_fd_.erase(client->container.get());
  clients_.erase(client);
}

}  // namespace tiny::runtime
