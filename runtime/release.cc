#include "runtime/release.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "cgroup/cgroup.h"
#include "runtime/run_directory.h"
#include "runtime/volumes/volume_store.h"

namespace tiny::runtime {
namespace {

absl::Status RemoveCgroup(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  return cgroup::Cgroup::Destroy(hierarchy, path);
}

}  // namespace

absl::Status ReleaseResources(const RunRemains& remains, absl::string_view id,
                              const state::ContainerState& state) {
  absl::Status status =
      remains.cgroup != nullptr ? remains.cgroup->Remove() : RemoveCgroup(state.cgroup_path);
  if (state.endpoints.empty() && state.ports.empty()) return status;
  std::unique_ptr<NetworkManager> opened;
  NetworkManager* networks = remains.networks;
  if (networks == nullptr) {
    NetworkManagerOptions options;
    options.root = remains.options.root;
    options.run_root = remains.options.run_root;
    absl::StatusOr<std::unique_ptr<NetworkManager>> result = NetworkManager::Open(options);
    if (!result.ok()) {
      status.Update(result.status());
      return status;
    }
    opened = *std::move(result);
    networks = opened.get();
  }
  // Before their addresses are another's.
  if (TakeNetworkSharedMark(remains.options.run_root, id)) {
    status.Update(networks->DeleteInterfaces(state.endpoints));
  }
  status.Update(networks->Detach(id, state.endpoints, state.ports));
  return status;
}

absl::Status RemoveAnonymousVolumes(const EngineOptions& options,
                                    const state::ContainerConfig& config,
                                    const state::ContainerState& state) {
  absl::Status status;
  VolumeStore volumes(options.root);
  for (const state::MountConfig& mount : config.mounts) {
    if (mount.type != state::MountConfig::Type::kVolume || !mount.source.empty()) continue;
    const auto volume = state.volumes.find(mount.destination);
    if (volume == state.volumes.end()) continue;
    status.Update(volumes.RemoveOwn(volume->second));
  }
  return status;
}

}  // namespace tiny::runtime
