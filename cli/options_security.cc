// The options of run and create for what the container may do, and those that tiny refuses.
#include "base/files.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/csv.h"
#include "cli/flag_parsers/mounts.h"
#include "cli/flag_parsers/policies.h"
#include "cli/flag_parsers/resources.h"

namespace tiny::cli {
namespace {

using Flags = ContainerFlags;

constexpr absl::string_view kWindows = "it is for Windows containers";

constexpr Option kOptions[] = {
    {'u', "user", "user[:group]", "User by name or number",
     SetIn<&Flags::config, &state::ContainerConfig::user>},
    {0, "group-add", "group", "Supplementary group, by name or number",
     SetIn<&Flags::config, &state::ContainerConfig::group_add>},
    {0, "cap-add", "capability", "Give a capability, such as NET_ADMIN or ALL",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseCapability(v), &f.config.security.cap_add);
     }>},
    {0, "cap-drop", "capability", "Take a capability away",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseCapability(v), &f.config.security.cap_drop);
     }>},
    {0, "privileged", "", "All capabilities and devices, no seccomp filter",
     Apply<[](Flags& f, absl::string_view v) {
       return option_internal::Assign(f.config.security.privileged, v);
     }>},
    {0, "security-opt", "option",
     "no-new-privileges, seccomp=unconfined|FILE, apparmor=PROFILE, systempaths=unconfined",
     Apply<[](Flags& f, absl::string_view v) {
       return ApplySecurityOption(
           v, [](absl::string_view path) { return ReadFile(CleanPath(path, CurrentFolder())); },
           &f.config.security);
     }>},
    {0, "sysctl", "name=value", "Kernel parameter of its namespaces",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       auto pair = ParseKeyValue(v);
       if (!pair.ok()) return pair.status();
       f.config.sysctls[pair->first] = pair->second;
       return CheckSysctlName(pair->first);
     }>},
    {0, "pid", "mode", "Process namespace: host or container:NAME",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNamespaceMode(NamespaceKind::kPid, v), &f.config.pid_mode);
     }>},
    {0, "ipc", "mode", "IPC namespace: none, private, shareable, host or container:NAME",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNamespaceMode(NamespaceKind::kIpc, v), &f.config.ipc_mode);
     }>},
    {0, "uts", "mode", "Host name's namespace: host", Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNamespaceMode(NamespaceKind::kUts, v), &f.config.uts_mode);
     }>},
    {0, "cgroupns", "mode", "Cgroup namespace: host or private",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNamespaceMode(NamespaceKind::kCgroup, v), &f.config.cgroupns_mode);
     }>},
    {0, "userns", "mode", "User namespace: host", Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNamespaceMode(NamespaceKind::kUser, v), &f.config.userns_mode);
     }>},
    {0, "isolation", "technology", "",
     Apply<[](Flags&, absl::string_view v) { return AcceptOnly("default", kWindows, v); }>},
    {0, "volume-driver", "driver", "", Apply<[](Flags&, absl::string_view v) {
       return AcceptOnly("local", "volumes are folders of this machine", v);
     }>},
    // There are no signatures to be checked, as in Docker since it has removed content trust.
    {0, "disable-content-trust", "", "",
     Apply<[](Flags&, absl::string_view v) { return AcceptSwitch(v); }>},
};

constexpr Option kRefused[] = {
    {0, "cpu-count", "number", kWindows, nullptr},
    {0, "cpu-percent", "number", kWindows, nullptr},
    {0, "io-maxbandwidth", "bytes", kWindows, nullptr},
    {0, "io-maxiops", "number", kWindows, nullptr},
    {0, "kernel-memory", "bytes", "Linux has removed that limit; --memory counts kernel memory",
     nullptr},
    {0, "oom-kill-disable", "",
     "cgroup v2 has no such switch, and a container that can neither "
     "grow nor die hangs; use --oom-score-adj",
     nullptr},
    {0, "link", "container",
     "links are a thing of the past; put both on a network made with "
     "`tiny network create`, where they find each other by name",
     nullptr},
    {0, "link-local-ip", "address", "only addresses of the network can be given", nullptr},
    {0, "gpus", "devices", "there is no GPU runtime; pass the devices with --device", nullptr},
    {0, "runtime", "name", "tiny is its own runtime", nullptr},
    {0, "storage-opt", "option", "there is no storage driver with quotas", nullptr},
    {0, "blkio-weight-device", "dev:weight", "only --blkio-weight is supported", nullptr},
    {0, "cpu-rt-period", "us", "real-time groups are not supported", nullptr},
    {0, "cpu-rt-runtime", "us", "real-time groups are not supported", nullptr},
};

}  // namespace

constinit const OptionGroup kSecurityOptions = {"Security and namespaces", kOptions};
constinit const OptionGroup kRefusedOptions = {"Not supported", kRefused};

}  // namespace tiny::cli
