#include "cli/create_container.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cli/command.h"

namespace tiny::cli {
namespace {

// "container:web" as "container:<id>".
absl::Status ResolveContainer(Context& context, std::string* mode) {
  absl::string_view name = *mode;
  if (!absl::ConsumePrefix(&name, "container:")) return absl::OkStatus();
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  absl::StatusOr<runtime::Container> found = engine->Inspect(name);
  if (!found.ok()) return context.ExplainMissing(found.status(), name);
  *mode = absl::StrCat("container:", found->config.id);
  return absl::OkStatus();
}

// --volumes-from NAME[:ro|rw]: the other's mounts, its anonymous volumes by their names.
absl::Status AddVolumesFrom(Context& context, absl::string_view text,
                            state::ContainerConfig* config) {
  bool read_only = false;
  if (absl::ConsumeSuffix(&text, ":ro")) {
    read_only = true;
  } else {
    absl::ConsumeSuffix(&text, ":rw");
  }
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  absl::StatusOr<runtime::Container> other = engine->Inspect(text);
  if (!other.ok()) {
    return Annotate(context.ExplainMissing(other.status(), text), "--volumes-from");
  }
  for (state::MountConfig mount : other->config.mounts) {
    if (mount.type == state::MountConfig::Type::kTmpfs) continue;
    const auto volume = other->state.volumes.find(mount.destination);
    if (volume != other->state.volumes.end()) mount.source = volume->second;
    mount.read_only = mount.read_only || read_only;
    bool taken = false;
    for (const state::MountConfig& each : config->mounts) {
      taken = taken || each.destination == mount.destination;
    }
    if (!taken) config->mounts.push_back(std::move(mount));
  }
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> CreateCidFile(const std::string& path) {
  absl::StatusOr<UniqueFd> file = OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (file.ok()) return file;
  const absl::Status status = Annotate(file.status(), "--cidfile");
  if (GetErrno(status) != EEXIST) return status;
  return WithHint(status, "make sure that the other container is not running and remove the file");
}

}  // namespace

absl::StatusOr<std::string> CreateContainer(Context& context, const ContainerFlags& flags,
                                            Arguments command, runtime::Engine::Next next) {
  ASSIGN_OR_RETURN(state::ContainerConfig config, BuildContainerConfig(flags, command, LookUpEnv));
  for (std::string* mode : {&config.pid_mode, &config.ipc_mode}) {
    RETURN_IF_ERROR(ResolveContainer(context, mode));
  }
  for (state::NetworkAttachment& network : config.networks) {
    RETURN_IF_ERROR(ResolveContainer(context, &network.network));
  }
  for (const std::string& other : flags.volumes_from) {
    RETURN_IF_ERROR(AddVolumesFrom(context, other, &config));
  }
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  UniqueFd cidfile;
  if (!flags.cidfile.empty()) {
    ASSIGN_OR_RETURN(cidfile, CreateCidFile(flags.cidfile));
  }
  absl::Cleanup remove_cidfile = [&] {
    if (cidfile) unlink(flags.cidfile.c_str());
  };
  if (flags.replace && !config.name.empty()) {
    absl::Status removed = engine->Remove(config.name, /*force=*/true, /*volumes=*/true);
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  }
  ASSIGN_OR_RETURN(std::string id, engine->Create(std::move(config), next));
  if (cidfile) {
    if (absl::Status written = WriteAll(cidfile.get(), id, flags.cidfile); !written.ok()) {
      engine->Remove(id, /*force=*/true, /*volumes=*/true).IgnoreError();
      return written;
    }
  }
  std::move(remove_cidfile).Cancel();
  return id;
}

}  // namespace tiny::cli
