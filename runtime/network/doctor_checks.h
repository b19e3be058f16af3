// The doctor's checks: each looks at one link of the chain and says what is wrong with it.
#ifndef TINY_RUNTIME_NETWORK_DOCTOR_CHECKS_H_
#define TINY_RUNTIME_NETWORK_DOCTOR_CHECKS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "net/link.h"
#include "net/netlink_socket.h"
#include "net/route.h"
#include "runtime/network/doctor.h"
#include "runtime/network/lease_store.h"
#include "runtime/network/network.h"

namespace tiny::runtime {

// What is wrong, and the command that mends it.
struct Fault {
  std::string fact;
  std::string fix;
};
// Nothing: the link is whole.
using Finding = absl::StatusOr<std::optional<Fault>>;

// All that the checks of one endpoint look at, read once.
struct Patient {
  const DoctorOptions* options = nullptr;
  const state::ContainerConfig* config = nullptr;
  const state::ContainerState* state = nullptr;
  state::NetworkEndpoint endpoint;
  Network network;
  int netns = -1;
  net::NetlinkSocket* inside = nullptr;  // rtnetlink in the container's namespace
  net::NetlinkSocket* host = nullptr;    // rtnetlink in the host's
  net::NetlinkSocket* netfilter = nullptr;
  net::IpAddress ip;
  std::optional<net::LinkInfo> eth;     // the container's interface
  std::optional<net::LinkInfo> bridge;  // the host's

  // "nsenter -t 123 -n ip <arguments>".
  std::string Inside(absl::string_view arguments) const;
};

// Inside the container: doctor_container.cc.
Finding CheckLoopback(Patient& patient);
Finding CheckInterface(Patient& patient);
Finding CheckInterfaceUp(Patient& patient);
Finding CheckAddress(Patient& patient);
Finding CheckAddress6(Patient& patient);
Finding CheckDefaultRoute(Patient& patient);

// On the host: doctor_host.cc.
Finding CheckBridge(Patient& patient);
Finding CheckBridgeUp(Patient& patient);
Finding CheckBridgeAddress(Patient& patient);
Finding CheckVeth(Patient& patient);
Finding CheckVethUp(Patient& patient);
Finding CheckVethEnslaved(Patient& patient);
Finding CheckMtu(Patient& patient);
Finding CheckForwarding(Patient& patient);
Finding CheckReversePath(Patient& patient);
Finding CheckHostRoute(Patient& patient);

// The packet filter: doctor_firewall.cc.
Finding CheckSpoofGuard(Patient& patient);
Finding CheckTable(Patient& patient);
Finding CheckRules(Patient& patient);
Finding CheckNetworkElements(Patient& patient);
Finding CheckForeignForward(Patient& patient);
Finding CheckPortElements(Patient& patient);
Finding CheckPortHolders(Patient& patient);

// By packets: doctor_probe.cc.
Finding CheckDuplicateAddress(Patient& patient);
Finding CheckGateway(Patient& patient);
Finding CheckResolvConf(Patient& patient);
Finding CheckDns(Patient& patient);
Finding CheckConnection(Patient& patient);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_DOCTOR_CHECKS_H_
