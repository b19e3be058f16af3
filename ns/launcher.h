// Makes a process in namespaces of its own, or in those of another one, which takes given steps and
// then executes the init stub.
//
//   LaunchPlan plan;
//   plan.new_namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS;
//   plan.hostname = "web";
//   plan.steps.push_back({"rootfs", &ApplyMounts, mounts.get()});
//   plan.image_fd = stub.get();
//   plan.argv = {"/bin/sh"};
//   plan.descriptors = {0, 1, 2};
//   ASSIGN_OR_RETURN(PendingChild child, CloneChild(plan));
//   RETURN_IF_ERROR(child.WaitUntilReady());   // all steps done, the stub runs
//
// The handshake is written down where it is coded, in launcher.cc. Errors: PosixStatus with the
// step's name and what it says it was doing. A PendingChild that is destroyed is killed and reaped,
// so that nothing is left of a launch that failed. Thread-compatible; the calling thread must live
// until the child is ready (PR_SET_PDEATHSIG).
// Sources: clone(2), setns(2), pid_namespaces(7), user_namespaces(7), time_namespaces(7).
#ifndef TINY_NS_LAUNCHER_H_
#define TINY_NS_LAUNCHER_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/child_step.h"
#include "base/process.h"
#include "base/unique_fd.h"
#include "init/payload.h"
#include "ns/namespaces.h"

namespace tiny::ns {

struct JoinedNamespace {
  Kind kind = Kind::kNetwork;
  int fd = -1;  // borrowed
};

struct LaunchPlan {
  uint64_t new_namespaces = 0;        // CLONE_NEW*; those of `join` must not be among them
  std::vector<JoinedNamespace> join;  // by descriptor
  int join_pidfd = -1;                // borrowed: those of `join_flags` of this process, at once
  uint64_t join_flags = 0;

  // Whether the child may run in this process's memory until its exec. Not for a cgroup with a
  // tight memory limit: where the kernel kills for want of memory, it kills all that share it.
  bool share_memory = true;

  int cgroup_fd = -1;  // the cgroup (version 2) to be born in; -1: the caller's

  std::string hostname;      // of a new UTS namespace
  std::string domainname;    // likewise
  std::string time_offsets;  // of a new time namespace: "monotonic 86400 0\n"
  bool loopback_up = true;   // of a new network namespace

  // Taken in order, as pid 1 of the new pid namespace, as root of the new user namespace.
  std::vector<ChildStep> steps;

  int image_fd = -1;              // what is executed: init/image.h
  std::vector<const char*> argv;  // of the program; no terminating nullptr; outlive the launch
  std::vector<const char*> envp;
  // descriptors[i] becomes i in the program; borrowed. They may be opened by a step.
  std::vector<int> descriptors;
  int start_fd = -1;  // for the stub alone, under the number that PendingChild::start_fd says
  // Whether the stub waits for its configuration only once it has said that it runs. Else that is
  // sent right after the clone, and nobody waits for the other: not where a step is a barrier.
  bool reports_ready = true;
};

// The child between its clone and the exec of the program. Move-only.
class PendingChild {
 public:
  PendingChild(PendingChild&&) noexcept;
  PendingChild& operator=(PendingChild&&) noexcept;
  ~PendingChild();

  pid_t pid() const;  // as the caller sees it
  ProcessIdentity identity() const;
  uint64_t start_time() const;  // of ProcessIdentity
  int pidfd() const;
  int start_fd() const;  // LaunchPlan::start_fd as the stub knows it, for InitConfig

  // With CLONE_NEWUSER the child waits for this before anything else: after WriteIdMaps.
  absl::Status AllowUserNamespace();
  // Answers a step made by BarrierStep.
  absl::Status PassBarrier();

  // The next message of the child, with a descriptor if it has one. A kFailed one is returned as
  // the error it tells of; end of file is kUnavailable.
  absl::StatusOr<init::InitMessage> Receive(UniqueFd* descriptor = nullptr);

  // The error that the child has told of so far, without waiting for more: for a caller whose own
  // step failed, perhaps because the child had ended. Takes other messages off the link.
  absl::Status EarlyFailure();

  // What is shown a message of the child that says more than how far it is.
  using OnMessage = std::function<absl::Status(const init::InitMessage&, UniqueFd descriptor)>;

  // Receives until the stub is ready, where it reports that.
  absl::Status WaitUntilReady(const OnMessage& on_message = nullptr);

  // Sends the stub its configuration (init/payload.h).
  absl::Status Configure(absl::string_view config);

  // Receives until the program has been executed (end of file), or waits to be started, or the
  // error. A child that offers a seccomp listener waits for PassBarrier.
  absl::Status WaitUntilExecuted(const OnMessage& on_message = nullptr);

  // The child is left alone from now on. The link is closed when this is destroyed.
  void Detach();
  UniqueFd TakePidfd();

 private:
  friend absl::StatusOr<PendingChild> CloneChild(const LaunchPlan& plan);
  struct Impl;
  explicit PendingChild(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

absl::StatusOr<PendingChild> CloneChild(const LaunchPlan& plan);

// Steps for LaunchPlan::steps that speak with the parent. The link is known when the child runs.
//
// Sends kBarrier with `id` and waits for PassBarrier.
struct BarrierArgument {
  int id = 0;
};
ChildResult BarrierStep(const void* argument) noexcept;
// Sends kDescriptor with `id` and the descriptor of that number, and closes it.
struct SendDescriptorArgument {
  int fd = -1;
  int id = 0;
};
ChildResult SendDescriptorStep(const void* argument) noexcept;

}  // namespace tiny::ns

#endif  // TINY_NS_LAUNCHER_H_
