// Which addresses of a network are free, and how one is taken: by a lease.
//
// The lowest free address wins; the network's own, the broadcast, the gateway and aux_addresses are
// never given out. Safe with any number of processes at once. Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_ADDRESS_POOL_H_
#define TINY_RUNTIME_NETWORK_ADDRESS_POOL_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/ip_address.h"
#include "runtime/network/lease_store.h"
#include "runtime/network/network.h"

namespace tiny::runtime {

// The path of an address's lease.
std::string AddressLease(const Network& network, const net::IpAddress& address);

// A subnet of a network, v4 or v6, as numbers.
struct AddressPool {
  net::IpPrefix subnet;
  net::IpPrefix range;  // that addresses are chosen from
  net::IpAddress gateway;
  std::vector<net::IpAddress> reserved;

  static absl::StatusOr<AddressPool> V4(const Network& network);
  static absl::StatusOr<AddressPool> V6(const Network& network);
  bool MayGive(const net::IpAddress& address) const;
};

// Claims `wanted`, or the lowest free address where it is none. `sweep` frees dead leases; it is
// called only when nothing is free. kResourceExhausted "no free address in 10.0.0.0/29 (5 in use)";
// kAlreadyExists for a wanted address that a live container has; kInvalidArgument for one that is
// not in the subnet or never given out.
absl::StatusOr<net::IpAddress> TakeAddress(const LeaseStore& store, const Network& network,
                                           const AddressPool& pool, const net::IpAddress& wanted,
                                           const Lease& owner,
                                           absl::FunctionRef<absl::Status()> sweep);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_ADDRESS_POOL_H_
