// What it costs to attach a network namespace to a bridge: by a floor program that sends the same
// messages unchecked, by tiny with everything that it checks and records, and by iproute2 programs.
// Runs in a network namespace of its own; needs root.
//   bazel run -c opt //bench:veth_setup
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/process.h"
#include "base/unique_fd.h"
#include "bench/veth_floor.h"
#include "benchmark/benchmark.h"
#include "net/link.h"
#include "net/netlink_socket.h"
#include "net/network_namespace.h"
#include "net/route.h"
#include "runtime/network/network_manager.h"

extern char** environ;

namespace tiny::bench {
namespace {

constexpr useconds_t kRestOfNamespaceMicroseconds = 10'000;

// A process asleep in a network namespace of its own.
class Sleeper {
 public:
  Sleeper() {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (unshare(CLONE_NEWNET) != 0) _exit(1);
      (void)!write(ready[1], "y", 1);
      while (true) pause();
    }
    char byte;
    if (read(ready[0], &byte, 1) != 1) abort();
    close(ready[0]);
    close(ready[1]);
    netns_.Reset(open(absl::StrCat("/proc/", pid_, "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
    identity_ = *IdentifyProcess(pid_);
  }
  ~Sleeper() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  const ProcessIdentity& identity() const { return identity_; }
  int netns() const { return netns_.get(); }

 private:
  pid_t pid_;
  UniqueFd netns_;
  ProcessIdentity identity_;
};

const std::string& Root() {
  static const std::string* const root = [] {
    // As /run is: in memory.
    char path[] = "/dev/shm/veth_setup.XXXXXX";
    if (mkdtemp(path) == nullptr) abort();
    return new std::string(path);
  }();
  return *root;
}

runtime::NetworkManager& Manager() {
  static runtime::NetworkManager* const manager =
      runtime::NetworkManager::Open({.root = Root(),
                                     .run_root = absl::StrCat(Root(), "/run"),
                                     .bridge_address = "10.10.0.1/16"})
          ->release();
  return *manager;
}

// Each has an id of its own: the namespace of an earlier one may take a while to go.
state::ContainerConfig NextConfig() {
  static int number = 0;
  ++number;
  state::ContainerConfig config;
  config.id = absl::StrCat(absl::Hex(number, absl::kZeroPad8), std::string(56, '0'));
  config.name = absl::StrCat("bench", number);
  return config;
}

void SkipWithError(benchmark::State& state, const absl::Status& status) {
  state.SkipWithError(std::string(status.message()).c_str());
}

// Ends a namespace and waits until the kernel has taken down its interfaces and most of the rest,
// which it does later and under the lock that the next attachment needs: it would be measured with
// that.
void End(std::unique_ptr<Sleeper> sleeper, const std::string& host_interface) {
  sleeper.reset();
  auto route = *net::NetlinkSocket::Open(NETLINK_ROUTE);
  while (net::GetLink(route, net::LinkRef(host_interface)).ok()) usleep(1000);
  usleep(kRestOfNamespaceMicroseconds);
}

// Containers that are on the bridge before, as it is for all but the first.
class LiveContainers {
 public:
  explicit LiveContainers(int count) {
    for (int i = 0; i < count && status_.ok(); ++i) {
      sleepers_.push_back(std::make_unique<Sleeper>());
      auto attached =
          Manager().Attach(NextConfig(), sleepers_.back()->identity(), sleepers_.back()->netns());
      status_ = attached.status();
    }
  }
  ~LiveContainers() {
    sleepers_.clear();
    (void)Manager().Sweep();
  }
  const absl::Status& status() const { return status_; }

 private:
  std::vector<std::unique_ptr<Sleeper>> sleepers_;
  absl::Status status_;
};

void Floor(benchmark::State& state) {
  const LiveContainers live(1);
  if (!live.status().ok()) return SkipWithError(state, live.status());
  const UniqueFd own = *net::OpenOwnNetworkNamespace();
  auto route = *net::NetlinkSocket::Open(NETLINK_ROUTE);
  const int bridge = net::GetLink(route, net::LinkRef("td0"))->index;
  const UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  const UniqueFd netfilter(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  constexpr char kName[] = "floor0123456789";
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto sleeper = std::make_unique<Sleeper>();
    state.ResumeTiming();
    if (!VethFloor(fd.get(), netfilter.get(), own.get(), bridge, sleeper->netns(), kName)) {
      state.SkipWithError("the kernel refused");
      return;
    }
    state.PauseTiming();
    End(std::move(sleeper), kName);
    state.ResumeTiming();
  }
}
BENCHMARK(Floor)->Unit(benchmark::kMicrosecond)->UseRealTime();

// `live` containers are on the bridge before; `ports` are published.
void Attach(benchmark::State& state) {
  const LiveContainers live(static_cast<int>(state.range(0)));
  if (!live.status().ok()) return SkipWithError(state, live.status());
  const int ports = static_cast<int>(state.range(1));
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto sleeper = std::make_unique<Sleeper>();
    state::ContainerConfig config = NextConfig();
    for (int i = 0; i < ports; ++i) {
      const uint16_t port = static_cast<uint16_t>(10000 + i);
      config.ports.push_back({.host_port = port, .container_port = port});
    }
    state.ResumeTiming();
    auto attached = Manager().Attach(config, sleeper->identity(), sleeper->netns());
    state.PauseTiming();
    if (!attached.ok()) return SkipWithError(state, attached.status());
    (void)Manager().Detach(config.id, attached->endpoints, attached->ports);
    End(std::move(sleeper), attached->endpoints[0].host_interface);
    state.ResumeTiming();
  }
}
BENCHMARK(Attach)
    ->Args({1, 0})
    ->Args({1, 1})
    ->Args({100, 0})
    ->Args({500, 0})
    ->ArgNames({"live", "ports"})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK(Attach)
    ->Args({1, 1000})
    ->ArgNames({"live", "ports"})
    ->Iterations(5)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

bool Run(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid;
  if (posix_spawnp(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) {
    return false;
  }
  int status = 0;
  return waitpid(pid, &status, 0) == pid && status == 0;
}

// The same steps as a script would take them.
void Iproute2(benchmark::State& state) {
  const LiveContainers live(1);
  if (!live.status().ok()) return SkipWithError(state, live.status());
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto sleeper = std::make_unique<Sleeper>();
    const std::string pid = absl::StrCat(sleeper->pid());
    const std::vector<std::string> inside = {"nsenter", "-t", pid, "-n", "ip"};
    const auto in = [&](std::vector<std::string> words) {
      words.insert(words.begin(), inside.begin(), inside.end());
      return Run(words);
    };
    state.ResumeTiming();
    const bool done = Run({"ip", "link", "add", "script0", "type", "veth", "peer", "name", "eth0",
                           "netns", pid}) &&
                      Run({"ip", "link", "set", "script0", "master", "td0", "up"}) &&
                      in({"link", "set", "lo", "up"}) && in({"link", "set", "eth0", "up"}) &&
                      in({"address", "add", "10.10.0.77/16", "dev", "eth0"}) &&
                      in({"route", "add", "default", "via", "10.10.0.1"});
    state.PauseTiming();
    if (!done) {
      state.SkipWithError("needs ip and nsenter");
      return;
    }
    End(std::move(sleeper), "script0");
    state.ResumeTiming();
  }
}
BENCHMARK(Iproute2)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace tiny::bench

int main(int argc, char** argv) {
  if (unshare(CLONE_NEWNET) != 0) {
    fprintf(stderr, "veth_setup_benchmark: make a network namespace: %s\n", strerror(errno));
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  (void)tiny::RemoveTree(tiny::bench::Root());
  return 0;
}
