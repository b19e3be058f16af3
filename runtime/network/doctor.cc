#include "runtime/network/doctor.h"

#include <fcntl.h>
#include <linux/netlink.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/network/doctor_checks.h"
#include "runtime/network/network_store.h"

namespace tiny::runtime {
namespace {

struct Check {
  const char* name;
  Finding (*run)(Patient& patient);
  bool once = false;  // not for each endpoint
};

// From the container outwards; a later check may rely on what an earlier one has found whole.
constexpr Check kChecks[] = {
    {"loopback", CheckLoopback, true},
    {"interface", CheckInterface},
    {"interface-up", CheckInterfaceUp},
    {"address", CheckAddress},
    {"address6", CheckAddress6},
    {"default-route", CheckDefaultRoute},
    {"bridge", CheckBridge},
    {"bridge-up", CheckBridgeUp},
    {"bridge-address", CheckBridgeAddress},
    {"veth", CheckVeth},
    {"veth-up", CheckVethUp},
    {"veth-enslaved", CheckVethEnslaved},
    {"mtu", CheckMtu},
    {"reverse-path", CheckReversePath},
    {"spoof-guard", CheckSpoofGuard},
    {"duplicate-address", CheckDuplicateAddress},
    {"gateway", CheckGateway},
    {"forwarding", CheckForwarding},
    {"host-route", CheckHostRoute},
    {"firewall-table", CheckTable},
    {"firewall-rules", CheckRules},
    {"firewall-network", CheckNetworkElements},
    {"foreign-forward", CheckForeignForward},
    {"port-elements", CheckPortElements, true},
    {"port-holders", CheckPortHolders, true},
    {"resolv-conf", CheckResolvConf, true},
    {"dns", CheckDns, true},
    {"connection", CheckConnection, true},
};

}  // namespace

std::string Patient::Inside(absl::string_view arguments) const {
  return absl::StrCat("nsenter -t ", state->init.pid, " -n ip ", arguments);
}

absl::StatusOr<std::vector<Diagnosis>> DiagnoseNetwork(const DoctorOptions& options,
                                                       const state::ContainerConfig& config,
                                                       const state::ContainerState& state) {
  ASSIGN_OR_RETURN(const NetworkMode mode, NetworkModeOf(config));
  if (state.init.pid <= 0) {
    return WithHint(absl::FailedPreconditionError("the container is not running"),
                    absl::StrCat("Start it: tiny start ", config.name));
  }
  std::vector<Diagnosis> diagnoses;
  if (mode == NetworkMode::kHost || mode == NetworkMode::kContainer) {
    diagnoses.push_back({"mode", Diagnosis::Result::kSkipped,
                         mode == NetworkMode::kHost
                             ? "the container uses the host's own network"
                             : "the container uses another container's network: ask for that one",
                         ""});
    return diagnoses;
  }
  ASSIGN_OR_RETURN(const UniqueFd netns,
                   OpenFile(absl::StrCat("/proc/", state.init.pid, "/ns/net"), O_RDONLY));
  ASSIGN_OR_RETURN(net::NetlinkSocket inside,
                   net::NetlinkSocket::OpenIn(netns.get(), NETLINK_ROUTE));
  ASSIGN_OR_RETURN(net::NetlinkSocket host, net::NetlinkSocket::Open(NETLINK_ROUTE));
  ASSIGN_OR_RETURN(net::NetlinkSocket netfilter, net::NetlinkSocket::Open(NETLINK_NETFILTER));
  Patient patient;
  patient.options = &options;
  patient.config = &config;
  patient.state = &state;
  patient.netns = netns.get();
  patient.inside = &inside;
  patient.host = &host;
  patient.netfilter = &netfilter;
  const size_t count = state.endpoints.empty() ? 1 : state.endpoints.size();
  for (size_t i = 0; i < count; ++i) {
    const bool has_endpoint = i < state.endpoints.size();
    if (has_endpoint) {
      patient.endpoint = state.endpoints[i];
      patient.eth.reset();
      patient.bridge.reset();
      ASSIGN_OR_RETURN(patient.network,
                       NetworkStore(options.manager.root).Read(patient.endpoint.network));
      ASSIGN_OR_RETURN(patient.ip, net::ParseIpAddress(patient.endpoint.ip));
    }
    for (const Check& check : kChecks) {
      // What is for the container as a whole comes with its last network, but loopback first.
      const bool first = check.run == CheckLoopback;
      if (check.once && (first ? i != 0 : i + 1 != count)) continue;
      if (!has_endpoint && !first) continue;
      ASSIGN_OR_RETURN(std::optional<Fault> fault, check.run(patient));
      if (!fault) {
        diagnoses.push_back({check.name, Diagnosis::Result::kOk, "", ""});
        continue;
      }
      diagnoses.push_back(
          {check.name, Diagnosis::Result::kBroken, std::move(fault->fact), std::move(fault->fix)});
      return diagnoses;
    }
  }
  return diagnoses;
}

}  // namespace tiny::runtime
