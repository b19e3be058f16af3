// The least that can give a network namespace a veth on a bridge, an address and a default route:
// messages put together once, sent unchecked, one socket in each namespace.
#ifndef TINY_BENCH_VETH_FLOOR_H_
#define TINY_BENCH_VETH_FLOOR_H_

#include <string>

namespace tiny::bench {

// Both return false if the kernel refused anything.
bool VethFloorOnHost(int host_socket, int bridge, int netns, const char* name);
bool VethFloorInside(int netns, int own_netns);

}  // namespace tiny::bench

#endif  // TINY_BENCH_VETH_FLOOR_H_
