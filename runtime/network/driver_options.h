// The driver's options of a network: `tiny network create -o KEY=VALUE`.
//
// Each is obeyed or refused. One that was left out silently could be the one that was to keep
// somebody out. Thread-safe.
#ifndef TINY_RUNTIME_NETWORK_DRIVER_OPTIONS_H_
#define TINY_RUNTIME_NETWORK_DRIVER_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "runtime/network/network.h"

namespace tiny::runtime {

inline constexpr char kBridgeNameOption[] = "com.docker.network.bridge.name";
inline constexpr char kMtuOption[] = "com.docker.network.driver.mtu";
// Whether what leaves the network gets the host's address.
inline constexpr char kMasqueradeOption[] = "com.docker.network.bridge.enable_ip_masquerade";
// Whether its containers may talk to each other.
inline constexpr char kConnectivityOption[] = "com.docker.network.bridge.enable_icc";
// The host's address that ports are published on for which none is given.
inline constexpr char kHostBindingOption[] = "com.docker.network.bridge.host_binding_ipv4";
inline constexpr char kParentOption[] = "parent";  // of a macvlan

// The options of a network that is to be made. kInvalidArgument for an unknown key, which names
// those that there are, and for a bad value; kUnimplemented for what Docker has and tiny does not.
absl::Status CheckDriverOptions(const Network& network);

// Empty where it is not given.
std::string DriverOption(const Network& network, absl::string_view key);
// True unless it was turned off.
bool IsOn(const Network& network, absl::string_view key);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_DRIVER_OPTIONS_H_
