// The options of run and create for files and devices.
#include "base/units.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/mounts.h"
#include "cli/flag_parsers/resources.h"

namespace tiny::cli {
namespace {

using Flags = ContainerFlags;

constexpr Option kOptions[] = {
    {'v', "volume", "[src:]dst[:opts]",
     "Bind a folder or mount a volume (ro, rshared, nocopy, ...)",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseVolume(v, CurrentFolder(), LookUpEnv("HOME").value_or("/")),
                     &f.config.mounts);
     }>},
    {0, "mount", "type=..,src=..,dst=..", "Mount a bind, volume or tmpfs",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseMount(v, CurrentFolder()), &f.config.mounts);
     }>},
    {0, "tmpfs", "dst[:opts]", "Mount a tmpfs",
     Apply<[](Flags& f, absl::string_view v) { return Append(ParseTmpfs(v), &f.config.mounts); }>},
    {0, "volumes-from", "container[:ro]", "Mount what another container has mounted",
     Set<&Flags::volumes_from>},
    {0, "read-only", "", "Make the root file system read-only",
     SetIn<&Flags::config, &state::ContainerConfig::read_only>},
    {0, "shm-size", "bytes", "Size of /dev/shm (default 64m)",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       absl::StatusOr<int64_t> size = ParseBytes(v);
       if (size.ok() && *size == 0) return absl::OkStatus();  // the default
       return Store(std::move(size), &f.config.shm_size);
     }>},
    {0, "device", "dev[:dev][:rwm]", "Give it a device of the host",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseDevice(v), &f.config.devices);
     }>},
    {0, "device-cgroup-rule", "rule", "Allow devices, as \"c 42:* rwm\"",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseDeviceCgroupRule(v), &f.config.resources.device_cgroup_rules);
     }>},
};

}  // namespace

constinit const OptionGroup kStorageOptions = {"Files and devices", kOptions};

}  // namespace tiny::cli
