// clone3(2) for a child that shares memory. Internal to ns.
#ifndef TINY_NS_CLONE_CHILD_H_
#define TINY_NS_CLONE_CHILD_H_

#include <linux/sched.h>

namespace tiny::ns {

// Runs `function(argument)` in the child, on its stack; returns the pid or -errno. The function
// makes raw system calls only, and never returns.
long CloneInto(clone_args* args, void (*function)(void*), void* argument) noexcept;

}  // namespace tiny::ns

#endif  // TINY_NS_CLONE_CHILD_H_
