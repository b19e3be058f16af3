// Containers and neighbours for tests: processes in network namespaces of their own, and real
// sockets between them. Use only inside a network namespace of the test's own.
#ifndef TINY_RUNTIME_NETWORK_NETWORK_TEST_UTIL_H_
#define TINY_RUNTIME_NETWORK_NETWORK_TEST_UTIL_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "base/unique_fd.h"
#include "runtime/network/network_manager.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {

// A process that only sleeps, in a network namespace of its own; killed with the object.
class FakeProcess {
 public:
  FakeProcess();
  ~FakeProcess() { Kill(); }
  void Kill();  // and waits until its namespace is left
  pid_t pid() const { return pid_; }
  ProcessIdentity identity() const { return IdentifyProcess(pid_).value_or(ProcessIdentity()); }
  int netns() const { return netns_.get(); }

 private:
  pid_t pid_ = -1;
  UniqueFd netns_;
};

// A container of a manager, with an id made of one digit.
struct FakeContainer {
  FakeContainer(NetworkManager& manager, char digit);
  absl::Status Attach();

  NetworkManager& manager;
  FakeProcess process;
  state::ContainerConfig config;
  Attachment attachment;
  std::string ip() const { return attachment.endpoints.at(0).ip; }
};

// The test's namespace becomes a host with loopback and a neighbour: "lan0" 192.0.2.1/24 here,
// "lan0" 192.0.2.2/24 and a default route to here in `neighbour`. The host's default route is the
// neighbour.
void MakeLan(const FakeProcess& neighbour);

// The test's namespace as such a host, with a manager of networks. It executes no program.
struct LanHost {
  LanHost();
  testing::TempDir root;
  FakeProcess neighbour;
  std::unique_ptr<NetworkManager> manager;
};
// Runs `body` in a process and a network namespace of its own.
void InHost(absl::FunctionRef<void(LanHost&)> body);

// From now on the calling process and its children die by SIGSYS where one executes a program: tiny
// does all of its network by itself.
void ForbidExec();

// A TCP or UDP server that answers each client with the address that it saw it at.
class EchoPeer {
 public:
  // In the namespace `netns` (-1: here), on all addresses.
  EchoPeer(int netns, int type, uint16_t port, bool v6 = false);
  int type() const { return type_; }
  // Answers what is there now.
  void Serve();
  // Connects from `netns` and returns what the server said, or "" if nothing comes within
  // `milliseconds`: by default longer than a SYN or two that are lost.
  std::string Ask(int netns, const std::string& address, uint16_t port, int milliseconds = 5000);

 private:
  int type_;
  UniqueFd fd_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_NETWORK_TEST_UTIL_H_
