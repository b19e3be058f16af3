#include "runtime/mount_sources.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "fs/rooted_dir.h"
#include "runtime/volumes/volume_store.h"

namespace tiny::runtime {
namespace {

using state::MountConfig;

bool IsVolume(const MountConfig& mount) { return mount.type == MountConfig::Type::kVolume; }

absl::StatusOr<Volume> MakeVolume(VolumeStore& volumes, const MountConfig& mount,
                                  const fs::RootedDir& root, state::ContainerState* state) {
  // An anonymous volume is made at the first start and kept.
  std::string& name = state->volumes[mount.destination];
  if (!mount.source.empty()) name = mount.source;
  ASSIGN_OR_RETURN(Volume volume, volumes.Create({.name = name}));
  name = volume.name;
  if (!mount.no_copy) RETURN_IF_ERROR(volumes.FillFrom(volume, root, mount.destination));
  return volume;
}

absl::StatusOr<std::optional<Volume>> FindVolume(const VolumeStore& volumes,
                                                 const MountConfig& mount,
                                                 const state::ContainerState& state) {
  std::string name = mount.source;
  const auto made = state.volumes.find(mount.destination);
  if (name.empty() && made != state.volumes.end()) name = made->second;
  absl::StatusOr<Volume> volume = volumes.Inspect(name);
  if (absl::IsNotFound(volume.status())) return std::nullopt;
  RETURN_IF_ERROR(volume.status());
  return *std::move(volume);
}

absl::StatusOr<std::string> PathIn(const Volume& volume, const MountConfig& mount,
                                   std::vector<UniqueFd>& held) {
  if (mount.volume_subpath.empty()) return volume.path;
  ASSIGN_OR_RETURN(const fs::RootedDir files, fs::RootedDir::Open(volume.path));
  ASSIGN_OR_RETURN(UniqueFd inside, files.OpenIn(mount.volume_subpath, O_PATH));
  return HeldPath(std::move(inside), held);
}

}  // namespace

std::string HeldPath(UniqueFd fd, std::vector<UniqueFd>& held) {
  held.push_back(std::move(fd));
  return absl::StrCat("/proc/self/fd/", held.back().get());
}

absl::StatusOr<std::vector<std::string>> MountSources(const state::ContainerConfig& config,
                                                      const EngineOptions& options, Absent absent,
                                                      state::ContainerState* state,
                                                      std::vector<UniqueFd>& held) {
  VolumeStore volumes(options.root);
  const bool make = absent == Absent::kMake;
  std::optional<fs::RootedDir> root;
  if (make && std::any_of(config.mounts.begin(), config.mounts.end(), IsVolume)) {
    ASSIGN_OR_RETURN(root, fs::RootedDir::Open(config.rootfs));
    ASSIGN_OR_RETURN(UniqueFd lock, volumes.LockForUse());
    held.push_back(std::move(lock));
  }
  std::vector<std::string> sources;
  for (const MountConfig& mount : config.mounts) {
    std::string source;
    if (mount.type == MountConfig::Type::kBind) {
      source = mount.source;
      if ((!make || mount.create_source) && !PathExists(source)) {
        if (make) {
          RETURN_IF_ERROR(MakeDirs(source, 0755));
        } else {
          source.clear();
        }
      }
    } else if (IsVolume(mount)) {
      std::optional<Volume> volume;
      if (make) {
        ASSIGN_OR_RETURN(volume, MakeVolume(volumes, mount, *root, state));
      } else {
        ASSIGN_OR_RETURN(volume, FindVolume(volumes, mount, *state));
      }
      if (volume.has_value()) {
        ASSIGN_OR_RETURN(source, PathIn(*volume, mount, held));
      }
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace tiny::runtime
