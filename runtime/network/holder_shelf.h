// Room for more sockets that hold published ports than the soft limit of open files allows.
//
//   HolderShelf shelf(ports.size());
//   ... shelf.Put(std::move(holder)) ...
//
// The limit is inherited by what the process starts, so it is not raised for good: while the shelf
// lives it is the hard one, and holders are put at descriptors above the soft one, where they may
// stay. Where there are few ports, nothing is done. The process must have one thread only.
// Source: getrlimit(2), F_DUPFD_CLOEXEC in fcntl(2).
#ifndef TINY_RUNTIME_NETWORK_HOLDER_SHELF_H_
#define TINY_RUNTIME_NETWORK_HOLDER_SHELF_H_

#include <sys/resource.h>

#include <cstddef>

#include "base/unique_fd.h"

namespace tiny::runtime {

class HolderShelf {
 public:
  explicit HolderShelf(size_t ports);
  ~HolderShelf();
  HolderShelf(const HolderShelf&) = delete;
  HolderShelf& operator=(const HolderShelf&) = delete;

  // The same socket, at another descriptor if it takes up a low one; as it is where that fails.
  UniqueFd Put(UniqueFd holder) const;

 private:
  bool raised_ = false;
  rlimit limit_ = {};  // as it was
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_HOLDER_SHELF_H_
