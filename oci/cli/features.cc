#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"
#include "oci/cli/command.h"
#include "oci/state.h"
#include "security/capabilities.h"

namespace tiny::oci {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kMountOptions[] =
    "acl async atime bind defaults dev diratime dirsync exec idmap iversion lazytime loud "
    "mand noacl noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime "
    "nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount "
    "rexec ridmap rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid "
    "rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow "
    "runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup unbindable";

Json MountOptions() { return std::vector<std::string>(absl::StrSplit(kMountOptions, ' ')); }

Json SeccompFeatures() {
  return {
    {"enabled", true},
        {"actions",
         {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
          "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE",
          "SCMP_ACT_TRAP"}},
        {"operators",
         {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
          "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"}},
#if defined(__x86_64__)
        {"archs", {"SCMP_ARCH_X86", "SCMP_ARCH_X86_64"}},
#else
        {"archs", {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"}},
#endif
        {"knownFlags",
         {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
          "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}},
        {"supportedFlags",
         {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
          "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}},
  };
}

Json LinuxFeatures() {
  const int last = security::LastCapability();
  const uint64_t known = (uint64_t{2} << last) - 1;
  return {
      {"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}},
      {"capabilities", security::CapabilityNames(security::CapabilitySet(known))},
      {"cgroup",
       {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", true}, {"rdma", true}}},
      {"seccomp", SeccompFeatures()},
      {"apparmor", {{"enabled", true}}},
      {"selinux", {{"enabled", true}}},
      {"intelRdt", {{"enabled", true}, {"schemata", true}, {"monitoring", true}}},
      {"mountExtensions", {{"idmap", {{"enabled", true}}}}},
      {"netDevices", {{"enabled", true}}},
      {"memoryPolicy",
       {{"modes",
         {"MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
          "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL"}},
        {"flags", {"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"}}}},
  };
}

}  // namespace

absl::StatusOr<int> RunFeatures(const Globals&, Arguments arguments) {
  RETURN_IF_ERROR(ParseOperands({}, arguments, 0).status());
  const Json json = {
      {"ociVersionMin", "1.0.0"},
      {"ociVersionMax", kSpecVersion},
      {"hooks",
       {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
      {"mountOptions", MountOptions()},
      {"linux", LinuxFeatures()},
      {"annotations", {{"io.github.tiny.version", kVersion}}},
  };
  RETURN_IF_ERROR(Print(json.dump(2) + "\n"));
  return 0;
}

}  // namespace tiny::oci
