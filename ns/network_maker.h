// Makes a network namespace while its caller goes on: for the kernel that is a large part of a
// container's start, and nothing but the container's process needs it.
//
//   NetworkMaker maker;
//   RETURN_IF_ERROR(maker.Start());
//   ...                                                  // read, plan, make cgroups
//   ASSIGN_OR_RETURN(NetworkMaker::Made made, maker.Take());  // waits where that was too short
//   plan.join.push_back({Kind::kNetwork, made.fd.get()});
//
// Works on a thread that is not libc's, and that has done all but leave the process after Take.
// Thread-compatible.
// Sources: clone(2), network_namespaces(7).
#ifndef TINY_NS_NETWORK_MAKER_H_
#define TINY_NS_NETWORK_MAKER_H_

#include <atomic>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/child_step.h"
#include "base/unique_fd.h"

namespace tiny::ns {

class NetworkMaker {
 public:
  NetworkMaker() = default;
  NetworkMaker(const NetworkMaker&) = delete;
  NetworkMaker& operator=(const NetworkMaker&) = delete;
  ~NetworkMaker() { Join(); }

  // An error where there may be no thread; what keeps the namespace from being made, Take tells.
  absl::Status Start();

  struct Made {
    UniqueFd fd;      // for setns(2); owned by the caller's user namespace
    UniqueFd socket;  // in it: lo was set up with it
  };
  // kFailedPrecondition where there was no Start.
  absl::StatusOr<Made> Take();

 private:
  static void Run(void* maker) noexcept;
  ChildResult Make() noexcept;
  void Join();

  static constexpr size_t kStackBytes = size_t{8} << 10;

  std::atomic<int> thread_ = 0;  // its id; the kernel clears it at the thread's end, and wakes us
  int fd_ = -1;
  int socket_ = -1;
  Made made_;
  ChildResult result_;
  alignas(16) unsigned char stack_[kStackBytes];
};

}  // namespace tiny::ns

#endif  // TINY_NS_NETWORK_MAKER_H_
