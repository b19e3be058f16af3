#include "runtime/network/network_test_util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "gtest/gtest.h"
#include "net/link.h"
#include "net/network_namespace.h"
#include "net/route.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

struct Address {
  sockaddr_storage storage = {};
  socklen_t length = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address MakeAddress(const std::string& text, uint16_t port) {
  Address address;
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.length = sizeof(*v6);
  } else {
    EXPECT_EQ(inet_pton(AF_INET, text.c_str(), &v4->sin_addr), 1) << text;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.length = sizeof(*v4);
  }
  return address;
}

std::string TextOf(Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_addr, text,
              sizeof(text));
  } else {
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&address.storage)->sin_addr, text,
              sizeof(text));
  }
  return text;
}

}  // namespace

FakeProcess::FakeProcess() {
  int ready[2];
  EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char byte = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
    (void)!write(ready[1], &byte, 1);
    while (true) pause();
  }
  char byte = 0;
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  close(ready[0]);
  close(ready[1]);
  netns_.Reset(open(absl::StrCat("/proc/", pid_, "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(netns_);
}

void FakeProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
  netns_.Reset();
}

FakeContainer::FakeContainer(NetworkManager& network_manager, char digit)
    : manager(network_manager) {
  config.id = std::string(64, digit);
  config.name = absl::StrCat("c", std::string(1, digit));
}

absl::Status FakeContainer::Attach() {
  ASSIGN_OR_RETURN(attachment, manager.Attach(config, process.identity(), process.netns()));
  return absl::OkStatus();
}

void MakeLan(const FakeProcess& neighbour) {
  auto host = net::NetlinkSocket::Open(NETLINK_ROUTE);
  auto other = net::NetlinkSocket::OpenIn(neighbour.netns(), NETLINK_ROUTE);
  ASSERT_OK(host);
  ASSERT_OK(other);
  net::MessageBuilder batch;
  net::ChangeLink(batch, net::LinkRef("lo"), {.up = true});
  net::AddVeth(batch, {.name = "lan0", .peer_name = "lan0", .peer_netns = neighbour.netns()});
  ASSERT_OK(host->Execute(batch));
  for (net::NetlinkSocket* socket : {&*host, &*other}) {
    const bool is_host = socket == &*host;
    batch.Clear();
    net::ChangeLink(batch, net::LinkRef("lan0"), {.up = true});
    net::ChangeLink(batch, net::LinkRef("lo"), {.up = true});
    ASSERT_OK(socket->Execute(batch));
    auto link = net::GetLink(*socket, net::LinkRef("lan0"));
    ASSERT_OK(link);
    batch.Clear();
    net::AddAddress(batch, link->index,
                    *net::ParseIpPrefix(is_host ? "192.0.2.1/24" : "192.0.2.2/24"));
    net::AddAddress(batch, link->index,
                    *net::ParseIpPrefix(is_host ? "2001:db8::1/64" : "2001:db8::2/64"));
    net::AddRoute(batch, {.gateway = *net::ParseIpAddress(is_host ? "192.0.2.2" : "192.0.2.1"),
                          .link = link->index});
    net::AddRoute(batch, {.gateway = *net::ParseIpAddress(is_host ? "2001:db8::2" : "2001:db8::1"),
                          .link = link->index});
    ASSERT_OK(socket->Execute(batch));
  }
}

LanHost::LanHost() {
  ForbidExec();
  MakeLan(neighbour);
  auto opened = NetworkManager::Open({.root = root.path(), .run_root = root.Path("run")});
  EXPECT_OK(opened);
  manager = *std::move(opened);
}

void InHost(absl::FunctionRef<void(LanHost&)> body) {
  testing::RunIsolated(CLONE_NEWNET, [&] {
    LanHost host;
    body(host);
  });
}

void ForbidExec() {
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {std::size(rules), rules};
  EXPECT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0) << strerror(errno);
}

EchoPeer::EchoPeer(int netns, int type, uint16_t port, bool v6) : type_(type) {
  EXPECT_OK(net::RunInNetworkNamespace(netns, [&] {
    fd_.Reset(socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return absl::OkStatus();
  }));
  const int on = 1;
  setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  Address address = MakeAddress(v6 ? "::" : "0.0.0.0", port);
  EXPECT_EQ(bind(fd_.get(), address.get(), address.length), 0) << strerror(errno);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(listen(fd_.get(), 16), 0);
  }
}

void EchoPeer::Serve() {
  Address peer;
  peer.length = sizeof(peer.storage);
  if (type_ == SOCK_STREAM) {
    const UniqueFd client(accept4(fd_.get(), peer.get(), &peer.length, SOCK_CLOEXEC));
    if (!client) return;
    const std::string text = TextOf(peer);
    (void)!write(client.get(), text.data(), text.size());
    return;
  }
  char byte;
  if (recvfrom(fd_.get(), &byte, 1, MSG_DONTWAIT, peer.get(), &peer.length) < 0) return;
  const std::string text = TextOf(peer);
  sendto(fd_.get(), text.data(), text.size(), 0, peer.get(), peer.length);
}

std::string EchoPeer::Ask(int netns, const std::string& address, uint16_t port, int milliseconds) {
  Address to = MakeAddress(address, port);
  UniqueFd client;
  EXPECT_OK(net::RunInNetworkNamespace(netns, [&] {
    client.Reset(socket(to.storage.ss_family, type_ | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return absl::OkStatus();
  }));
  if (connect(client.get(), to.get(), to.length) != 0 && errno != EINPROGRESS) return "";
  if (type_ == SOCK_DGRAM) (void)!send(client.get(), "?", 1, 0);
  for (int waited = 0; waited < milliseconds; waited += 10) {
    Serve();
    pollfd ready = {client.get(), POLLIN, 0};
    if (poll(&ready, 1, 10) <= 0) continue;
    char text[64];
    const ssize_t size = recv(client.get(), text, sizeof(text), MSG_DONTWAIT);
    return size > 0 ? std::string(text, static_cast<size_t>(size)) : "";
  }
  return "";
}

}  // namespace tiny::runtime
