// The loopback interface of a new network namespace. Internal to ns.
#ifndef TINY_NS_LOOPBACK_CHILD_H_
#define TINY_NS_LOOPBACK_CHILD_H_

#include "base/child_step.h"

namespace tiny::ns {

// Sets lo of the calling thread's network namespace up, by raw system calls. The socket that it
// took is the caller's to close: netdevice(7).
ChildResult RaiseLoopback(int* socket) noexcept;

}  // namespace tiny::ns

#endif  // TINY_NS_LOOPBACK_CHILD_H_
