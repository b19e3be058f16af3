#include "runtime/network/address_pool.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

std::string Folder(const Network& network) { return absl::StrCat("addresses/", network.name); }

absl::StatusOr<AddressPool> MakePool(const Network& network, const std::string& subnet,
                                     const std::string& gateway, const std::string& range) {
  AddressPool pool;
  ASSIGN_OR_RETURN(pool.subnet, net::ParseIpPrefix(subnet));
  pool.range = pool.subnet;
  if (!gateway.empty()) {
    ASSIGN_OR_RETURN(pool.gateway, net::ParseIpAddress(gateway));
  }
  if (!range.empty()) {
    ASSIGN_OR_RETURN(pool.range, net::ParseIpPrefix(range));
    if (!pool.subnet.Contains(pool.range.First()) || !pool.subnet.Contains(pool.range.Last())) {
      return absl::InvalidArgumentError(
          absl::StrCat("the range ", range, " is not inside the subnet ", subnet));
    }
  }
  for (const auto& [name, text] : network.aux_addresses) {
    ASSIGN_OR_RETURN(const net::IpAddress address, net::ParseIpAddress(text));
    pool.reserved.push_back(address);
  }
  return pool;
}

absl::StatusOr<net::IpAddress> TakeWanted(const LeaseStore& store, const Network& network,
                                          const AddressPool& pool, const net::IpAddress& wanted,
                                          const Lease& owner,
                                          absl::FunctionRef<absl::Status()> sweep) {
  if (!pool.subnet.Contains(wanted)) {
    return absl::InvalidArgumentError(absl::StrCat(wanted.ToString(), " is not in the subnet ",
                                                   pool.subnet.ToString(), " of network ",
                                                   network.name));
  }
  if (!pool.MayGive(wanted)) {
    return absl::InvalidArgumentError(absl::StrCat(wanted.ToString(), " of network ", network.name,
                                                   " is reserved and never given out"));
  }
  const std::string path = AddressLease(network, wanted);
  for (const bool may_sweep : {true, false}) {
    ASSIGN_OR_RETURN(const bool taken, store.Claim(path, owner));
    if (taken) return wanted;
    if (may_sweep) RETURN_IF_ERROR(sweep());
  }
  const auto holder = store.Read(path);
  return absl::AlreadyExistsError(absl::StrCat("address ", wanted.ToString(), " of network ",
                                               network.name, " is in use by container ",
                                               holder ? holder->container.substr(0, 12) : "?"));
}

}  // namespace

std::string AddressLease(const Network& network, const net::IpAddress& address) {
  return absl::StrCat(Folder(network), "/", address.ToString());
}

absl::StatusOr<AddressPool> AddressPool::V4(const Network& network) {
  return MakePool(network, network.subnet, network.gateway, network.ip_range);
}

absl::StatusOr<AddressPool> AddressPool::V6(const Network& network) {
  return MakePool(network, network.subnet6, network.gateway6, "");
}

bool AddressPool::MayGive(const net::IpAddress& address) const {
  if (address == gateway) return false;
  // A /31 and a /32 have no network's and broadcast address (RFC 3021); IPv6 has the first only.
  if (subnet.address.bits() - subnet.length > 1) {
    if (address == subnet.First()) return false;
    if (address.is_v4() && address == subnet.Last()) return false;
  }
  return std::find(reserved.begin(), reserved.end(), address) == reserved.end();
}

absl::StatusOr<net::IpAddress> TakeAddress(const LeaseStore& store, const Network& network,
                                           const AddressPool& pool, const net::IpAddress& wanted,
                                           const Lease& owner,
                                           absl::FunctionRef<absl::Status()> sweep) {
  if (wanted) return TakeWanted(store, network, pool, wanted, owner, sweep);
  size_t in_use = 0;
  for (const bool may_sweep : {true, false}) {
    std::set<net::IpAddress> used;
    for (const std::string& name : store.List(Folder(network))) {
      if (auto address = net::ParseIpAddress(name); address.ok()) used.insert(*address);
    }
    const net::IpAddress last = pool.range.Last();
    for (net::IpAddress address = pool.range.First();; address = address.Plus(1)) {
      if (pool.MayGive(address) && used.count(address) == 0) {
        ASSIGN_OR_RETURN(const bool taken, store.Claim(AddressLease(network, address), owner));
        if (taken) return address;
      }
      if (address == last) break;
    }
    in_use = std::count_if(used.begin(), used.end(),
                           [&](const auto& address) { return pool.range.Contains(address); });
    if (may_sweep) RETURN_IF_ERROR(sweep());
  }
  return WithHint(absl::ResourceExhaustedError(absl::StrCat(
                      "no free address in ", pool.range.ToString(), " (", in_use, " in use)")),
                  absl::StrCat("Remove containers of network ", network.name,
                               ", or create a network with a larger --subnet."));
}

}  // namespace tiny::runtime
