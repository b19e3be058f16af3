#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"
#include "runtime/network/network_manager.h"
#include "runtime/prepare.h"
#include "runtime/run_directory.h"

namespace tiny::runtime {
namespace {

constexpr absl::Duration kPokePatience = absl::Seconds(1);

bool HasProcess(const state::ContainerState& state) {
  return state.status == state::Status::kRunning || state.status == state::Status::kPaused;
}

absl::StatusOr<UniqueFd> OpenNetworkNamespace(const state::ContainerState& state) {
  return OpenFile(absl::StrCat("/proc/", state.init.pid, "/ns/net"), O_RDONLY);
}

bool IsSamePort(const state::PortMapping& asked, const state::PortMapping& published) {
  return asked.container_port == published.container_port && asked.protocol == published.protocol &&
         (asked.host_port == 0 || asked.host_port == published.host_port) &&
         (asked.host_ip.empty() || asked.host_ip == published.host_ip);
}

// A network's name, by name or id. What is none's stays: a word such as host, or the name of one
// that is gone.
absl::StatusOr<std::string> NameOf(NetworkManager& networks, absl::string_view reference) {
  const absl::StatusOr<Network> network = networks.Inspect(reference);
  if (network.ok()) return network->name;
  if (!absl::IsNotFound(network.status())) return network.status();
  return std::string(reference);
}

// In a namespace that is another's, or shall have loopback only, networks neither come nor go.
absl::Status CheckMode(const std::string& container, absl::string_view network) {
  const bool is_none = network == "none";
  if (!is_none && network != "host" && !absl::StartsWith(network, "container:")) {
    return absl::OkStatus();
  }
  return WithHint(
      absl::FailedPreconditionError(absl::StrCat(
          "the network mode ", network, " is chosen when a container is created: ", container,
          " can't be connected or disconnected")),
      is_none ? absl::StrCat("To leave that mode: tiny network disconnect none ", container)
              : "Create another container: tiny run --network NETWORK");
}

// The names that the container knows follow its networks.
absl::Status CommitEndpoints(NetworkManager& networks, state::LockedContainer& record,
                             state::ContainerConfig config, state::ContainerState state) {
  RETURN_IF_ERROR(WriteEtcFiles(record.directory(), networks.HostsFile(config, state.endpoints),
                                networks.ResolvConf(config, state.endpoints)));
  RETURN_IF_ERROR(record.CommitConfig(std::move(config)));
  return record.CommitState(std::move(state));
}

}  // namespace

absl::StatusOr<std::unique_ptr<NetworkManager>> EngineImpl::OpenNetworks() const {
  NetworkManagerOptions options;
  options.root = options_.root;
  options.run_root = options_.run_root;
  options.note = PrintNote;
  return NetworkManager::Open(std::move(options));
}

void EngineImpl::PokeSupervisor(absl::string_view id) {
  const absl::StatusOr<Connection> connection =
      ConnectAndGreet(AttachSocket(options_.run_root, id), {}, kPokePatience);
  if (!connection.ok()) return;
  SendFrame(connection->socket.get(), FrameType::kReload, nullptr, 0, MSG_DONTWAIT);
  // What comes next may need a port that it still holds.
  AwaitReloaded(connection->socket.get(), kPokePatience).IgnoreError();
}

absl::Status EngineImpl::Connect(absl::string_view reference,
                                 const state::NetworkAttachment& asked) {
  ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(reference));
  ASSIGN_OR_RETURN(const std::unique_ptr<NetworkManager> networks, OpenNetworks());
  state::ContainerConfig config = record.config();
  state::ContainerConfig wanted = config;
  wanted.networks = {asked};
  RETURN_IF_ERROR(networks->Check(wanted));
  const state::NetworkAttachment attachment = wanted.networks[0];
  RETURN_IF_ERROR(CheckMode(config.name, attachment.network));
  if (config.networks.empty()) config.networks.push_back({.network = "bridge"});
  std::erase_if(config.networks, [](const auto& entry) { return entry.network == kLeftAll; });
  for (const state::NetworkAttachment& existing : config.networks) {
    RETURN_IF_ERROR(CheckMode(config.name, existing.network));
    if (existing.network == attachment.network) {
      return absl::AlreadyExistsError(absl::StrCat("container ", config.name, " is on network ",
                                                   attachment.network, " already"));
    }
  }
  wanted.networks = config.networks;
  wanted.networks.push_back(attachment);
  state::ContainerState state = record.state();
  if (!HasProcess(state)) return record.CommitConfig(std::move(wanted));
  ASSIGN_OR_RETURN(const UniqueFd network_namespace, OpenNetworkNamespace(state));
  ASSIGN_OR_RETURN(
      state::NetworkEndpoint endpoint,
      networks->Connect(config, attachment, state.init, network_namespace.get(), state.endpoints));
  const std::string id = config.id;
  state.endpoints.push_back(endpoint);
  if (absl::Status status = CommitEndpoints(*networks, record, std::move(wanted), std::move(state));
      !status.ok()) {
    networks->Disconnect(id, endpoint, network_namespace.get(), {}).IgnoreError();
    return status;
  }
  LogEvents(options_.root, {NetworkEvent(record.config(), "connect", attachment.network)});
  PokeSupervisor(id);
  return absl::OkStatus();
}

absl::Status EngineImpl::Disconnect(absl::string_view reference, absl::string_view wanted,
                                    bool force) {
  ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(reference));
  ASSIGN_OR_RETURN(const std::unique_ptr<NetworkManager> networks, OpenNetworks());
  ASSIGN_OR_RETURN(const std::string network, NameOf(*networks, wanted));
  state::ContainerConfig config = record.config();
  if (config.networks.empty()) config.networks.push_back({.network = "bridge"});
  const auto attachment = std::find_if(config.networks.begin(), config.networks.end(),
                                       [&](const auto& entry) { return entry.network == network; });
  if (attachment == config.networks.end()) {
    if (force) return absl::OkStatus();
    return absl::NotFoundError(
        absl::StrCat("container ", config.name, " is not on network ", network));
  }
  if (network != "none") RETURN_IF_ERROR(CheckMode(config.name, network));
  config.networks.erase(attachment);
  if (config.networks.empty()) config.networks.push_back({.network = kLeftAll});
  state::ContainerState state = record.state();
  if (!HasProcess(state)) return record.CommitConfig(std::move(config));
  const auto endpoint = std::find_if(state.endpoints.begin(), state.endpoints.end(),
                                     [&](const auto& entry) { return entry.network == network; });
  const bool leaves = endpoint != state.endpoints.end();
  if (leaves) {
    ASSIGN_OR_RETURN(const UniqueFd network_namespace, OpenNetworkNamespace(state));
    const state::NetworkEndpoint left = *endpoint;
    state.endpoints.erase(endpoint);
    RETURN_IF_ERROR(
        networks->Disconnect(config.id, left, network_namespace.get(), state.endpoints));
  }
  const std::string id = config.id;
  RETURN_IF_ERROR(CommitEndpoints(*networks, record, std::move(config), std::move(state)));
  if (leaves) LogEvents(options_.root, {NetworkEvent(record.config(), "disconnect", network)});
  PokeSupervisor(id);
  return absl::OkStatus();
}

absl::Status EngineImpl::Rename(absl::string_view reference, absl::string_view name) {
  ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(reference));
  const std::string old_name = record.config().name;
  if (old_name == name) {
    return absl::InvalidArgumentError(
        absl::StrCat("container ", old_name, " has that name already"));
  }
  RETURN_IF_ERROR(record.Rename(name));
  LogEvent(options_.root, record.config(), "rename", {{"oldName", old_name}});
  state::ContainerState state = record.state();
  if (!HasProcess(state) || state.endpoints.empty()) return absl::OkStatus();
  // Its peers find it by the new name from now on.
  ASSIGN_OR_RETURN(const std::unique_ptr<NetworkManager> networks, OpenNetworks());
  RETURN_IF_ERROR(networks->Rename(record.config(), state.endpoints));
  const std::string id = record.config().id;
  RETURN_IF_ERROR(record.CommitState(std::move(state)));
  PokeSupervisor(id);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<state::PortMapping>> EngineImpl::Publish(
    absl::string_view reference, const std::vector<state::PortMapping>& ports) {
  ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(reference));
  ASSIGN_OR_RETURN(const std::unique_ptr<NetworkManager> networks, OpenNetworks());
  state::ContainerConfig config = record.config();
  config.ports.insert(config.ports.end(), ports.begin(), ports.end());
  RETURN_IF_ERROR(networks->Check(config));
  state::ContainerState state = record.state();
  if (!HasProcess(state)) {
    RETURN_IF_ERROR(record.CommitConfig(std::move(config)));
    return ports;
  }
  ASSIGN_OR_RETURN(const std::vector<state::PortMapping> published,
                   networks->Publish(config.id, state.init, state.endpoints, ports));
  const std::string id = config.id;
  state.ports.insert(state.ports.end(), published.begin(), published.end());
  absl::Status status = record.CommitConfig(std::move(config));
  if (status.ok()) status = record.CommitState(std::move(state));
  if (!status.ok()) {
    networks->Unpublish(id, published).IgnoreError();
    return status;
  }
  PokeSupervisor(id);
  return published;
}

absl::Status EngineImpl::Unpublish(absl::string_view reference,
                                   const std::vector<state::PortMapping>& ports) {
  ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(reference));
  ASSIGN_OR_RETURN(const std::unique_ptr<NetworkManager> networks, OpenNetworks());
  state::ContainerConfig config = record.config();
  state::ContainerState state = record.state();
  std::vector<state::PortMapping> published;
  for (const state::PortMapping& port : ports) {
    const auto is_it = [&port](const state::PortMapping& entry) { return IsSamePort(port, entry); };
    const auto live = std::find_if(state.ports.begin(), state.ports.end(), is_it);
    const auto recorded =
        std::find_if(config.ports.begin(), config.ports.end(),
                     [&port](const state::PortMapping& entry) { return IsSamePort(entry, port); });
    if (live == state.ports.end() && recorded == config.ports.end()) {
      return absl::NotFoundError(absl::StrCat("container ", config.name, " does not publish ",
                                              port.container_port, "/", port.protocol));
    }
    if (live != state.ports.end()) {
      published.push_back(*live);
      state.ports.erase(live);
    }
    if (recorded != config.ports.end()) config.ports.erase(recorded);
  }
  if (HasProcess(state)) RETURN_IF_ERROR(networks->Unpublish(config.id, published));
  const std::string id = config.id;
  RETURN_IF_ERROR(record.CommitConfig(std::move(config)));
  RETURN_IF_ERROR(record.CommitState(std::move(state)));
  PokeSupervisor(id);
  return absl::OkStatus();
}

}  // namespace tiny::runtime
