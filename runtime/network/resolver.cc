#include "runtime/network/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "net/ip_address.h"
#include "net/network_namespace.h"
#include "runtime/network/container_files.h"
#include "runtime/network/dns_message.h"
#include "runtime/network/lease_store.h"
#include "runtime/network/network_store.h"
#include "runtime/network/resolver_port.h"
#include "runtime/network/socket_address.h"

namespace tiny::runtime {
namespace {

constexpr uint16_t kPort = 53;
constexpr size_t kMaxUdpQuery = 4096;
constexpr size_t kMaxPending = 64;
constexpr size_t kMaxSessions = 16;
constexpr absl::Duration kServerTimeout = absl::Seconds(2);
constexpr absl::Duration kSessionTimeout = absl::Seconds(10);

// Like tcp(7)'s, but of v4 and v6.
std::optional<SocketAddress> ServerAddress(absl::string_view server) {
  auto address = net::ParseIpAddress(server);
  if (!address.ok()) return std::nullopt;
  return MakeSocketAddress(*address, kPort);
}

// Binds to a port of the kernel's choice, and returns it.
absl::StatusOr<uint16_t> BindTo(int fd, const net::IpAddress& address) {
  SocketAddress here = MakeSocketAddress(address, 0);
  if (bind(fd, here.get(), here.length) != 0 || getsockname(fd, here.get(), &here.length) != 0) {
    return PosixStatus(errno, absl::StrCat("bind the resolver to ", address.ToString()));
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&here.storage)->sin_port);
}

// A query by UDP that a server was asked. Each has a socket, and so a port, of its own: only that
// server's answers get in, and they are hard to forge.
struct Pending {
  SocketAddress client;
  std::string query;
  uint16_t id = 0;  // towards the server
  size_t server = 0;
  absl::Time deadline;
  UniqueFd socket;
};

// A client by TCP, and once its query is whole, the server that is asked.
struct Session {
  UniqueFd client;
  UniqueFd server;
  bool sent = false;
  std::string query;   // with its length
  std::string answer;  // with its length
  absl::Time deadline;
};

// Whole if its two bytes of length say so.
bool IsWhole(const std::string& framed) {
  if (framed.size() < 2) return false;
  const size_t size = static_cast<uint8_t>(framed[0]) << 8 | static_cast<uint8_t>(framed[1]);
  return framed.size() >= size + 2;
}

std::string Framed(const std::string& message) {
  std::string framed;
  framed.push_back(static_cast<char>(message.size() >> 8));
  framed.push_back(static_cast<char>(message.size()));
  return framed + message;
}

class ResolverImpl : public Resolver {
 public:
  ResolverImpl(ResolverOptions options, std::vector<std::string> dns, LeaseStore leases)
      : options_(std::move(options)), dns_(std::move(dns)), leases_(std::move(leases)) {}

  absl::Status Listen(int netns);
  int fd() const override { return epoll_.get(); }
  void OnReadable() override;
  void SetEndpoints(const std::vector<state::NetworkEndpoint>& endpoints) override;

 private:
  void Watch(int fd, uint32_t events) {
    epoll_event event = {events, {.fd = fd}};
    (void)epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  std::optional<std::string> AnswerLocally(absl::string_view query, const DnsQuestion& question,
                                           size_t limit);
  std::vector<net::IpAddress> LookUp(const std::string& name, bool* found);
  void OnUdpQuery();
  void OnUdpAnswer(std::list<Pending>::iterator pending);
  bool AskServer(Pending& pending);
  void OnAccept();
  // False when the session is over.
  bool OnSession(Session& session, int fd);
  bool OnSessionQuery(Session& session);
  void OnTimer();
  void ArmTimer();
  void RefreshServers();

  ResolverOptions options_;
  std::vector<std::string> dns_;
  LeaseStore leases_;
  std::vector<std::string> networks_;
  bool forward_ = false;
  std::vector<std::string> servers_;
  timespec servers_time_ = {};
  UniqueFd epoll_;
  UniqueFd udp_;
  UniqueFd tcp_;
  UniqueFd timer_;
  std::list<Pending> pending_;
  std::list<Session> sessions_;
};

absl::Status ResolverImpl::Listen(int netns) {
  epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
  timer_.Reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!epoll_ || !timer_) return PosixStatus(errno, "prepare the resolver");
  RETURN_IF_ERROR(net::RunInNetworkNamespace(netns, [&]() -> absl::Status {
    udp_.Reset(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    tcp_.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!udp_ || !tcp_) return PosixStatus(errno, "open the resolver's sockets");
    return absl::OkStatus();
  }));
  ASSIGN_OR_RETURN(const net::IpAddress address, net::ParseIpAddress(kResolverAddress));
  ASSIGN_OR_RETURN(const uint16_t udp_port, BindTo(udp_.get(), address));
  ASSIGN_OR_RETURN(const uint16_t tcp_port, BindTo(tcp_.get(), address));
  if (listen(tcp_.get(), 16) != 0) {
    return PosixStatus(errno, absl::StrCat("listen at ", kResolverAddress));
  }
  RETURN_IF_ERROR(ServePort53(netns, address, udp_port, tcp_port));
  Watch(udp_.get(), EPOLLIN);
  Watch(tcp_.get(), EPOLLIN);
  Watch(timer_.get(), EPOLLIN);
  return absl::OkStatus();
}

void ResolverImpl::SetEndpoints(const std::vector<state::NetworkEndpoint>& endpoints) {
  const NetworkStore files(options_.root);
  networks_.clear();
  forward_ = false;
  for (const state::NetworkEndpoint& endpoint : endpoints) {
    networks_.push_back(endpoint.network);
    auto network = files.Read(endpoint.network);
    // From an internal network not even a name gets out (CVE-2024-29018).
    forward_ |= !network.ok() || !network->internal;
  }
}

std::vector<net::IpAddress> ResolverImpl::LookUp(const std::string& name, bool* found) {
  std::vector<net::IpAddress> addresses;
  Liveness liveness;
  for (const std::string& network : networks_) {
    absl::string_view label = name;
    // "web.mynet" is "web" of mynet.
    if (absl::EndsWith(label, absl::StrCat(".", network))) {
      label.remove_suffix(network.size() + 1);
    }
    if (label.empty() || label[0] == '.' || label.find('/') != absl::string_view::npos) continue;
    const std::string folder = absl::StrCat("names/", network, "/", label);
    for (const std::string& id : leases_.List(folder)) {
      const auto lease = leases_.Read(absl::StrCat(folder, "/", id));
      if (!lease || !liveness.IsAlive(*lease)) continue;
      *found = true;
      for (const std::string& text : lease->values) {
        if (auto address = net::ParseIpAddress(text); address.ok()) addresses.push_back(*address);
      }
    }
  }
  return addresses;
}

std::optional<std::string> ResolverImpl::AnswerLocally(absl::string_view query,
                                                       const DnsQuestion& question, size_t limit) {
  if (const auto address = ParseReverseName(question.name); address && question.type == kDnsPtr) {
    Liveness liveness;
    for (const std::string& network : networks_) {
      const auto lease =
          leases_.Read(absl::StrCat("addresses/", network, "/", address->ToString()));
      if (!lease || lease->values.empty() || !liveness.IsAlive(*lease)) continue;
      return MakeDnsAnswer(query, question, kDnsNoError, {},
                           {absl::StrCat(lease->values[0], ".", network)});
    }
    return std::nullopt;
  }
  bool found = false;
  const std::vector<net::IpAddress> addresses = LookUp(question.name, &found);
  if (!found) return std::nullopt;
  return MakeDnsAnswer(query, question, kDnsNoError, addresses, {}, limit);
}

void ResolverImpl::RefreshServers() {
  if (!dns_.empty()) {
    servers_ = dns_;
    return;
  }
  struct stat status = {};
  (void)stat(options_.resolv_conf.c_str(), &status);
  const bool same = status.st_mtim.tv_sec == servers_time_.tv_sec &&
                    status.st_mtim.tv_nsec == servers_time_.tv_nsec;
  if (same && !servers_.empty()) return;
  servers_time_ = status.st_mtim;
  servers_ = ReadHostResolvConf(options_.resolv_conf).servers;
  if (servers_.empty()) {
    for (const absl::string_view server : kPublicServers) servers_.emplace_back(server);
  }
}

void ResolverImpl::OnUdpQuery() {
  char buffer[kMaxUdpQuery];
  for (int i = 0; i < 64; ++i) {
    SocketAddress client;
    const ssize_t size =
        recvfrom(udp_.get(), buffer, sizeof(buffer), MSG_DONTWAIT, client.get(), &client.length);
    if (size < 0) return;
    const absl::string_view query(buffer, static_cast<size_t>(size));
    const auto question = ParseDnsQuestion(query);
    if (!question || question->is_response) continue;
    auto answer = AnswerLocally(query, *question, kMaxDnsDatagram);
    if (!answer && forward_ && pending_.size() < kMaxPending) {
      RefreshServers();
      Pending pending;
      pending.client = client;
      pending.query = std::string(query);
      pending_.push_back(std::move(pending));
      if (AskServer(pending_.back())) continue;
      pending_.pop_back();
    }
    if (!answer) answer = MakeDnsAnswer(query, *question, kDnsServerFailure, {}, {});
    const std::string& reply = *answer;
    (void)sendto(udp_.get(), reply.data(), reply.size(), MSG_DONTWAIT, client.get(), client.length);
  }
}

bool ResolverImpl::AskServer(Pending& pending) {
  for (; pending.server < servers_.size(); ++pending.server) {
    auto peer = ServerAddress(servers_[pending.server]);
    if (!peer) continue;
    pending.socket.Reset(
        socket(peer->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (getrandom(&pending.id, sizeof(pending.id), 0) != sizeof(pending.id)) return false;
    std::string query = pending.query;
    query[0] = static_cast<char>(pending.id >> 8);
    query[1] = static_cast<char>(pending.id);
    if (!pending.socket || connect(pending.socket.get(), peer->get(), peer->length) != 0 ||
        send(pending.socket.get(), query.data(), query.size(), MSG_DONTWAIT) < 0) {
      continue;
    }
    Watch(pending.socket.get(), EPOLLIN);
    pending.deadline = absl::Now() + kServerTimeout;
    ArmTimer();
    return true;
  }
  return false;
}

void ResolverImpl::OnUdpAnswer(std::list<Pending>::iterator pending) {
  char buffer[kMaxUdpQuery];
  const ssize_t size = recv(pending->socket.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  if (size < 0) {
    // Such as ECONNREFUSED: nobody listens there. The next server, at once.
    pending->deadline = absl::InfinitePast();
    return OnTimer();
  }
  std::string answer(buffer, static_cast<size_t>(size));
  const auto theirs = ParseDnsQuestion(answer);
  const auto ours = ParseDnsQuestion(pending->query);
  if (!theirs || !theirs->is_response || theirs->id != pending->id || theirs->name != ours->name ||
      theirs->type != ours->type) {
    return;
  }
  answer.replace(0, 2, pending->query, 0, 2);
  (void)sendto(udp_.get(), answer.data(), answer.size(), MSG_DONTWAIT, pending->client.get(),
               pending->client.length);
  pending_.erase(pending);
}

void ResolverImpl::OnAccept() {
  UniqueFd client(accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client || sessions_.size() >= kMaxSessions) return;
  Watch(client.get(), EPOLLIN);
  Session session;
  session.client = std::move(client);
  session.deadline = absl::Now() + kSessionTimeout;
  sessions_.push_back(std::move(session));
  ArmTimer();
}

bool ResolverImpl::OnSessionQuery(Session& session) {
  const absl::string_view query = absl::string_view(session.query).substr(2);
  const auto question = ParseDnsQuestion(query);
  if (!question || question->is_response) return false;
  if (auto answer = AnswerLocally(query, *question, kMaxDnsMessage)) {
    const std::string framed = Framed(*answer);
    (void)send(session.client.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
    return false;
  }
  if (!forward_) return false;
  RefreshServers();
  auto peer = servers_.empty() ? std::nullopt : ServerAddress(servers_.front());
  if (!peer) return false;
  session.server.Reset(
      socket(peer->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connect(session.server.get(), peer->get(), peer->length) != 0 && errno != EINPROGRESS) {
    return false;
  }
  Watch(session.server.get(), EPOLLIN | EPOLLOUT);
  return true;
}

bool ResolverImpl::OnSession(Session& session, int fd) {
  if (fd == session.server.get() && !session.sent) {
    session.sent = send(fd, session.query.data(), session.query.size(), MSG_NOSIGNAL) ==
                   static_cast<ssize_t>(session.query.size());
    epoll_event event = {EPOLLIN, {.fd = fd}};
    (void)epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
    return session.sent;
  }
  std::string& target = fd == session.client.get() ? session.query : session.answer;
  char buffer[4096];
  const ssize_t size = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN;
  if (size == 0 || target.size() > kMaxDnsMessage) return false;
  target.append(buffer, static_cast<size_t>(size));
  if (!IsWhole(target)) return true;
  if (fd == session.client.get()) return !session.server && OnSessionQuery(session);
  (void)send(session.client.get(), session.answer.data(), session.answer.size(), MSG_NOSIGNAL);
  return false;
}

void ResolverImpl::OnTimer() {
  uint64_t count;
  (void)!read(timer_.get(), &count, sizeof(count));
  const absl::Time now = absl::Now();
  for (auto it = pending_.begin(); it != pending_.end();) {
    const auto next = std::next(it);
    if (it->deadline <= now) {
      ++it->server;
      if (!AskServer(*it)) {
        const auto question = ParseDnsQuestion(it->query);
        const std::string answer = MakeDnsAnswer(it->query, *question, kDnsServerFailure, {}, {});
        (void)sendto(udp_.get(), answer.data(), answer.size(), MSG_DONTWAIT, it->client.get(),
                     it->client.length);
        pending_.erase(it);
      }
    }
    it = next;
  }
  sessions_.remove_if([&](const Session& session) { return session.deadline <= now; });
  ArmTimer();
}

void ResolverImpl::ArmTimer() {
  absl::Time next = absl::InfiniteFuture();
  for (const Pending& pending : pending_) next = std::min(next, pending.deadline);
  for (const Session& session : sessions_) next = std::min(next, session.deadline);
  itimerspec when = {};
  if (next != absl::InfiniteFuture()) {
    // Zero would disarm it.
    when.it_value = absl::ToTimespec(std::max(next - absl::Now(), absl::Milliseconds(1)));
  }
  (void)timerfd_settime(timer_.get(), 0, &when, nullptr);
}

void ResolverImpl::OnReadable() {
  epoll_event events[32];
  const int count = epoll_wait(epoll_.get(), events, std::size(events), 0);
  for (int i = 0; i < count; ++i) {
    const int fd = events[i].data.fd;
    if (fd == udp_.get()) {
      OnUdpQuery();
    } else if (fd == tcp_.get()) {
      OnAccept();
    } else if (fd == timer_.get()) {
      OnTimer();
    } else {
      // What an earlier event of this round has closed is not found any more.
      const auto pending = std::find_if(pending_.begin(), pending_.end(),
                                        [&](const Pending& one) { return one.socket.get() == fd; });
      if (pending != pending_.end()) {
        OnUdpAnswer(pending);
        continue;
      }
      const auto session = std::find_if(
          sessions_.begin(), sessions_.end(),
          [&](const Session& one) { return one.client.get() == fd || one.server.get() == fd; });
      if (session != sessions_.end() && !OnSession(*session, fd)) sessions_.erase(session);
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Resolver>> Resolver::Open(
    const ResolverOptions& options, const state::ContainerConfig& config,
    const std::vector<state::NetworkEndpoint>& endpoints, int netns) {
  ASSIGN_OR_RETURN(LeaseStore leases, LeaseStore::Open(options.run_root));
  auto resolver = std::make_unique<ResolverImpl>(options, config.dns, std::move(leases));
  resolver->SetEndpoints(endpoints);
  RETURN_IF_ERROR(resolver->Listen(netns));
  return resolver;
}

}  // namespace tiny::runtime
