// What a benchmark runs in: namespaces of its own, and a bundle to start.
//
// bench/main.cc calls EnterPrivateNamespaces first, so that no mount and no interface of a
// benchmark is seen by the machine, and all end with it. Not thread-safe.
#ifndef TINY_BENCH_ISOLATION_H_
#define TINY_BENCH_ISOLATION_H_

#include <string>

#include "absl/status/status.h"

namespace tiny::bench {

// Unshares the mount and network namespaces and makes every mount private. EPERM without root.
absl::Status EnterPrivateNamespaces();

// A directory on a tmpfs of this mount namespace, made by EnterPrivateNamespaces.
std::string ScratchDirectory();

// Makes "<scratch>/bundle/rootfs" with busybox as /bin/true, and returns the bundle.
absl::Status MakeBundle(std::string* bundle);

}  // namespace tiny::bench

#endif  // TINY_BENCH_ISOLATION_H_
