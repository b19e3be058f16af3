// The least that can give a network namespace what tiny gives it: a veth on a bridge, an address, a
// default route, and its elements of the packet filter. The messages are tiny's own, put together
// without a check and sent without a look at more of the answers than is needed for the next.
#ifndef TINY_BENCH_VETH_FLOOR_H_
#define TINY_BENCH_VETH_FLOOR_H_

namespace tiny::bench {

// The sockets are netlink ones in the host's namespace; `name` is the host's end of the veth, 15
// characters. False if the kernel refused anything.
bool VethFloor(int route_socket, int netfilter_socket, int own_netns, int bridge, int netns,
               const char* name);

}  // namespace tiny::bench

#endif  // TINY_BENCH_VETH_FLOOR_H_
