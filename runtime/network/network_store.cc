#include "runtime/network/network_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/network/address_pool.h"
#include "runtime/network/driver_options.h"
#include "runtime/network/host_bridge.h"

namespace tiny::runtime {
namespace {

constexpr absl::string_view kSuffix = ".json";
// Loopback, link-local, multicast: RFC 6890.
constexpr absl::string_view kSpecialSubnets[] = {"127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
                                                 "::1/128",     "fe80::/10",      "ff00::/8"};

absl::Status NoSuchNetwork(absl::string_view name) {
  return absl::NotFoundError(absl::StrCat("no such network: ", name));
}

absl::Status CheckInterfaceName(const std::string& name) {
  const bool valid =
      !name.empty() && name.size() < 16 && std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(c) || c == '_' || c == '-';
      });
  if (valid) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "\" is not an interface name: at most 15 of [a-zA-Z0-9_-]"));
}

// Checks a subnet and its gateway, or chooses the gateway.
absl::Status CompleteSubnet(std::string& subnet, std::string& gateway, int family, int longest) {
  ASSIGN_OR_RETURN(net::IpPrefix prefix, net::ParseIpPrefix(subnet));
  if (prefix.address.family != family || prefix.length < 8 || prefix.length > longest) {
    return absl::InvalidArgumentError(absl::StrCat("the subnet ", subnet, " can't be used: /8 to /",
                                                   longest, " of the right family"));
  }
  for (const absl::string_view special : kSpecialSubnets) {
    const absl::StatusOr<net::IpPrefix> other = net::ParseIpPrefix(special);
    if (!other.ok() || !other->Overlaps(prefix)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "the subnet ", subnet, " can't be used: ", special,
        " has loopback, link-local or multicast addresses. Use a private one: 10.20.0.0/24"));
  }
  prefix.address = prefix.First();
  subnet = prefix.ToString();
  if (gateway.empty()) {
    gateway = prefix.At(1).ToString();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const net::IpAddress address, net::ParseIpAddress(gateway));
  if (!prefix.Contains(address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the gateway ", gateway, " is not in the subnet ", subnet));
  }
  return absl::OkStatus();
}

absl::Status CompleteDriver(Network& network) {
  std::string& interface = network.interface_name;
  if (network.driver == "macvlan") {
    if (interface.empty()) interface = DriverOption(network, kParentOption);
    if (interface.empty()) {
      return absl::InvalidArgumentError("a macvlan network needs its interface: -o parent=eth0");
    }
  } else if (network.driver == "bridge") {
    if (interface.empty()) interface = DriverOption(network, kBridgeNameOption);
    if (interface.empty()) interface = GeneratedBridgeName(network);
  } else {
    return absl::UnimplementedError(absl::StrCat("the network driver ", network.driver,
                                                 " is not supported: use bridge or macvlan"));
  }
  if (const std::string mtu = DriverOption(network, kMtuOption); !mtu.empty()) {
    if (!absl::SimpleAtoi(mtu, &network.mtu) || network.mtu < 68 || network.mtu > 65535) {
      return absl::InvalidArgumentError(absl::StrCat("the mtu ", mtu, " is not 68 to 65535"));
    }
  }
  return CheckInterfaceName(network.interface_name);
}

}  // namespace

NetworkStore::NetworkStore(absl::string_view root) : folder_(absl::StrCat(root, "/networks")) {}

std::string NetworkStore::Path(absl::string_view name) const {
  return absl::StrCat(folder_, "/", name, kSuffix);
}

absl::StatusOr<Network> NetworkStore::Read(absl::string_view name) const {
  auto text = ReadRegularFile(Path(name));
  if (GetErrno(text.status()) == ENOENT) return NoSuchNetwork(name);
  RETURN_IF_ERROR(text.status());
  auto network = ParseNetwork(*text);
  if (!network.ok()) return Annotate(network.status(), Path(name));
  return network;
}

absl::Status NetworkStore::Write(const Network& network, bool replace) const {
  RETURN_IF_ERROR(MakeDirs(folder_, 0700));
  ASSIGN_OR_RETURN(const UniqueFd folder, OpenFile(folder_, O_RDONLY | O_DIRECTORY));
  const std::string name = absl::StrCat(network.name, kSuffix);
  const std::string text = SerializeNetwork(network);
  if (replace) return ReplaceFileAtomically(folder.get(), name, text, 0600);
  const std::string temporary = absl::StrCat(".", network.id, kSuffix);
  RETURN_IF_ERROR(ReplaceFileAtomically(folder.get(), temporary, text, 0600));
  const int error =
      linkat(folder.get(), temporary.c_str(), folder.get(), name.c_str(), 0) == 0 ? 0 : errno;
  (void)unlinkat(folder.get(), temporary.c_str(), 0);
  if (error == EEXIST) {
    return absl::AlreadyExistsError(absl::StrCat("network ", network.name, " exists already"));
  }
  if (error != 0) return PosixStatus(error, absl::StrCat("create ", Path(network.name)));
  return absl::OkStatus();
}

absl::Status NetworkStore::Remove(absl::string_view name) const {
  if (unlink(Path(name).c_str()) == 0) return absl::OkStatus();
  return errno == ENOENT ? NoSuchNetwork(name)
                         : PosixStatus(errno, absl::StrCat("remove ", Path(name)));
}

absl::StatusOr<std::vector<Network>> NetworkStore::List(std::vector<std::string>* damaged) const {
  std::vector<Network> networks;
  auto names = ListDirectory(folder_);
  if (GetErrno(names.status()) == ENOENT) return networks;
  RETURN_IF_ERROR(names.status());
  for (const std::string& file : *names) {
    absl::string_view name = file;
    if (name[0] == '.' || !absl::EndsWith(name, kSuffix)) continue;
    name.remove_suffix(kSuffix.size());
    auto network = Read(name);
    if (network.ok()) {
      networks.push_back(*std::move(network));
    } else if (damaged != nullptr) {
      damaged->push_back(std::string(network.status().message()));
    }
  }
  return networks;
}

absl::StatusOr<Network> NetworkStore::Find(absl::string_view reference) const {
  if (reference.empty()) return absl::InvalidArgumentError("invalid network name \"\"");
  // A reference becomes a file's name only if it could be one.
  if (reference == "bridge" || ValidateNetworkName(reference).ok()) {
    auto network = Read(reference);
    if (network.ok() || network.status().code() != absl::StatusCode::kNotFound) return network;
  }
  ASSIGN_OR_RETURN(const std::vector<Network> networks, List(nullptr));
  const Network* match = nullptr;
  for (const Network& network : networks) {
    if (!absl::StartsWith(network.id, reference)) continue;
    if (match != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("the id prefix ", reference, " is that of several networks"));
    }
    match = &network;
  }
  if (match == nullptr) return NoSuchNetwork(reference);
  return *match;
}

const TakenPrefix* FindOverlap(const net::IpPrefix& prefix, const std::vector<TakenPrefix>& taken) {
  const auto found = std::find_if(taken.begin(), taken.end(), [&](const TakenPrefix& other) {
    return other.prefix.Overlaps(prefix);
  });
  return found == taken.end() ? nullptr : &*found;
}

absl::StatusOr<net::IpPrefix> ChooseSubnet(const std::vector<TakenPrefix>& taken) {
  for (const uint32_t base : {0x0a0a0000U, 0xac1f0000U, 0xc0a80000U}) {
    for (uint32_t third = 0; third < 256; ++third) {
      const net::IpPrefix candidate = {net::IpAddress::V4(base + (third << 8)), 24};
      if (FindOverlap(candidate, taken) == nullptr) return candidate;
    }
  }
  return WithHint(absl::ResourceExhaustedError("no free subnet in 10.10.0.0/16, 172.31.0.0/16 and "
                                               "192.168.0.0/16"),
                  "Give one with --subnet.");
}

absl::Status CompleteNetwork(Network& network, const std::vector<TakenPrefix>& taken) {
  RETURN_IF_ERROR(CompleteDriver(network));
  if (network.subnet.empty()) {
    ASSIGN_OR_RETURN(const net::IpPrefix subnet, ChooseSubnet(taken));
    network.subnet = subnet.ToString();
  } else {
    ASSIGN_OR_RETURN(const net::IpPrefix wanted, net::ParseIpPrefix(network.subnet));
    if (const TakenPrefix* other = FindOverlap(wanted, taken)) {
      std::string hint;
      if (auto free = ChooseSubnet(taken); free.ok()) {
        hint = absl::StrCat("Use another one: --subnet ", free->ToString(), " is free.");
      }
      return WithHint(absl::AlreadyExistsError(
                          absl::StrCat("the subnet ", network.subnet, " overlaps ", other->by)),
                      hint);
    }
  }
  RETURN_IF_ERROR(CompleteSubnet(network.subnet, network.gateway, AF_INET, 30));
  if (network.ipv6 && network.subnet6.empty()) {
    // A unique local prefix (RFC 4193) whose 40 random bits are the network id's.
    network.subnet6 = absl::StrCat("fd", network.id.substr(0, 2), ":", network.id.substr(2, 4), ":",
                                   network.id.substr(6, 4), "::/64");
  }
  if (!network.subnet6.empty()) {
    network.ipv6 = true;
    RETURN_IF_ERROR(CompleteSubnet(network.subnet6, network.gateway6, AF_INET6, 126));
  }
  // Checks the range and the reserved addresses.
  return AddressPool::V4(network).status();
}

}  // namespace tiny::runtime
