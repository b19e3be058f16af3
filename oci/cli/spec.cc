#include "oci/spec.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "oci/cli/command.h"
#include "oci/spec_serializer.h"
#include "oci/state.h"

namespace tiny::oci {
namespace {

Mount MakeMount(const char* destination, const char* type, const char* source,
                std::vector<std::string> options) {
  Mount mount;
  mount.destination = destination;
  mount.type = type;
  mount.source = source;
  mount.options = std::move(options);
  return mount;
}

std::vector<Mount> Mounts(bool rootless) {
  std::vector<std::string> pts = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
  if (!rootless) pts.push_back("gid=5");
  return {
      MakeMount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
      MakeMount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      MakeMount("/dev/pts", "devpts", "devpts", std::move(pts)),
      MakeMount("/dev/shm", "tmpfs", "shm",
                {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      MakeMount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      MakeMount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
      MakeMount("/sys/fs/cgroup", "cgroup", "cgroup",
                {"nosuid", "noexec", "nodev", "relatime", "ro"}),
  };
}

Process MakeProcess() {
  Process process;
  process.terminal = true;
  process.args = {"sh"};
  process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
  const std::vector<std::string> capabilities = {"CAP_AUDIT_WRITE", "CAP_KILL",
                                                 "CAP_NET_BIND_SERVICE"};
  process.capabilities =
      Capabilities{.bounding = capabilities, .effective = capabilities, .permitted = capabilities};
  process.rlimits = {{"RLIMIT_NOFILE", 1024, 1024}};
  process.no_new_privileges = true;
  return process;
}

Spec DefaultSpec(bool rootless) {
  Spec spec;
  spec.oci_version = kSpecVersion;
  spec.process = MakeProcess();
  spec.root = Root{"rootfs", /*readonly=*/true};
  spec.hostname = "tiny";
  spec.mounts = Mounts(rootless);
  Linux& out = spec.linux_;
  for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
    out.namespaces.push_back({type, ""});
  }
  if (rootless) {
    out.namespaces.push_back({"user", ""});
    out.uid_mappings = {{0, geteuid(), 1}};
    out.gid_mappings = {{0, getegid(), 1}};
  } else {
    out.resources.emplace().devices = {{.allow = false, .type = "", .access = "rwm"}};
  }
  out.masked_paths = {"/proc/acpi",       "/proc/asound",      "/proc/interrupts",
                      "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
                      "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                      "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
  out.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return spec;
}

}  // namespace

absl::StatusOr<int> RunSpec(const Globals&, Arguments arguments) {
  std::string bundle = ".";
  bool rootless = false;
  Flags flags;
  flags.Add({"bundle", 'b', "the folder that gets config.json", &bundle});
  flags.Add({"rootless", '\0', "for a user without privileges", &rootless});
  RETURN_IF_ERROR(ParseOperands(flags, arguments, 0).status());
  const std::string path = absl::StrCat(bundle, "/config.json");
  absl::StatusOr<UniqueFd> file = OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (!file.ok()) {
    return WithHint(file.status(), "an existing config.json is never overwritten");
  }
  const Spec spec = DefaultSpec(rootless);
  RETURN_IF_ERROR(WriteAll(file->get(), SerializeSpec(spec, /*pretty=*/true) + "\n", path));
  return 0;
}

}  // namespace tiny::oci
