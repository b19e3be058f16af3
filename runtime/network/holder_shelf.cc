#include "runtime/network/holder_shelf.h"

#include <fcntl.h>

#include <utility>

namespace tiny::runtime {
namespace {

// One for either version of IP.
constexpr size_t kHoldersOfPort = 2;
// Low descriptors that are left to everything else.
constexpr size_t kReserve = 512;

}  // namespace

HolderShelf::HolderShelf(size_t ports) {
  if (ports == 0 || getrlimit(RLIMIT_NOFILE, &limit_) != 0) return;
  if (ports * kHoldersOfPort + kReserve <= limit_.rlim_cur) return;
  const rlimit high = {limit_.rlim_max, limit_.rlim_max};
  raised_ = setrlimit(RLIMIT_NOFILE, &high) == 0;
}

HolderShelf::~HolderShelf() {
  if (raised_) (void)setrlimit(RLIMIT_NOFILE, &limit_);
}

UniqueFd HolderShelf::Put(UniqueFd holder) const {
  if (!raised_ || !holder) return holder;
  UniqueFd high(fcntl(holder.get(), F_DUPFD_CLOEXEC, static_cast<int>(limit_.rlim_cur)));
  return high ? std::move(high) : std::move(holder);
}

}  // namespace tiny::runtime
