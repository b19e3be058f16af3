// The files of the networks, and what a new network gets that was left open. Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_NETWORK_STORE_H_
#define TINY_RUNTIME_NETWORK_NETWORK_STORE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "runtime/network/network.h"

namespace tiny::runtime {

// <root>/networks/<name>.json. Errors: PosixStatus; kNotFound "no such network: x".
class NetworkStore {
 public:
  explicit NetworkStore(absl::string_view root);

  absl::StatusOr<Network> Read(absl::string_view name) const;
  // kAlreadyExists if there is one of that name and !replace.
  absl::Status Write(const Network& network, bool replace) const;
  absl::Status Remove(absl::string_view name) const;
  absl::StatusOr<std::vector<Network>> List(std::vector<std::string>* damaged) const;
  // By name, id or a unique prefix of an id.
  absl::StatusOr<Network> Find(absl::string_view reference) const;

 private:
  std::string Path(absl::string_view name) const;
  std::string folder_;
};

// A range of addresses that is taken, and by what: "10.8.0.0/16 of tun0".
struct TakenPrefix {
  net::IpPrefix prefix;
  std::string by;
};

// The first of `taken` that overlaps, or nullptr.
const TakenPrefix* FindOverlap(const net::IpPrefix& prefix, const std::vector<TakenPrefix>& taken);

// The first free /24 of 10.10.0.0/16, then of 172.31.0.0/16 and 192.168.0.0/16.
absl::StatusOr<net::IpPrefix> ChooseSubnet(const std::vector<TakenPrefix>& taken);

// Checks a network that is to be made, and fills in what is empty but id, name and created_at.
// kInvalidArgument, kAlreadyExists for a subnet that overlaps one of `taken`.
absl::Status CompleteNetwork(Network& network, const std::vector<TakenPrefix>& taken);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_NETWORK_STORE_H_
