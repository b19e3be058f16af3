// The checks of file systems, namespaces, the network and security.
#include <fcntl.h>
#include <sys/statfs.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "runtime/host/host_checks.h"

namespace tiny::runtime {
namespace {

bool ListsFileSystem(const HostPaths& paths, absl::string_view name) {
  const std::string text = ReadFile(paths.proc + "/filesystems").value_or("");
  return absl::StrContains(absl::StrCat(text, "\n"), absl::StrCat("\t", name, "\n"));
}

void CheckFeature(HostReport* report, Presence presence, absl::string_view name,
                  absl::string_view what, absl::string_view consequence, absl::string_view fix) {
  switch (presence) {
    case Presence::kPresent:
      AddOk(report, name, absl::StrCat("the kernel has ", what));
      break;
    case Presence::kLoadable:
      AddOk(report, name,
            absl::StrCat("the kernel has ", what, " as a module, loaded when needed"));
      break;
    case Presence::kAbsent:
      AddNote(report, name, absl::StrCat("the kernel has no ", what), consequence, fix);
      break;
  }
}

}  // namespace

void CheckFileSystems(const HostPaths& paths, KernelFeatures& features, HostReport* report) {
  const Presence overlay = ListsFileSystem(paths, "overlay")
                               ? Presence::kPresent
                               : features.Find("overlay", "ovl_fill_super");
  CheckFeature(report, overlay, "overlay", "the overlay file system",
               "--rootfs DIR:O and images do not work; --rootfs DIR does",
               "modprobe overlay, or a kernel with CONFIG_OVERLAY_FS");
  if (ListsFileSystem(paths, "mqueue")) {
    AddOk(report, "mqueue", "the kernel has POSIX message queues");
  } else {
    AddNote(report, "mqueue", "the kernel has no POSIX message queues",
            "containers have no /dev/mqueue", "a kernel with CONFIG_POSIX_MQUEUE");
  }
}

void CheckNamespaces(const HostPaths& paths, HostReport* report) {
  std::vector<std::string> missing;
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "uts"}) {
    if (!PathExists(absl::StrCat(paths.proc, "/self/ns/", name))) missing.push_back(name);
  }
  if (missing.empty()) {
    AddOk(report, "namespaces", "cgroup, ipc, mnt, net, pid and uts namespaces");
  } else {
    AddBroken(report, "namespaces",
              absl::StrCat("the kernel has no ", absl::StrJoin(missing, ", "), " namespaces"),
              "containers cannot be made", "a kernel with CONFIG_NAMESPACES and all below it");
  }
  int64_t most = 0;
  const bool has_users = PathExists(paths.proc + "/self/ns/user");
  const bool known =
      absl::SimpleAtoi(ReadLine(paths.proc + "/sys/user/max_user_namespaces"), &most);
  if (!has_users) {
    AddNote(report, "user-namespaces", "the kernel has no user namespaces",
            "rootless containers do not work", "a kernel with CONFIG_USER_NS");
  } else if (known && most == 0) {
    AddNote(report, "user-namespaces", "user.max_user_namespaces is 0",
            "rootless containers do not work", "sysctl -w user.max_user_namespaces=15000");
  } else if (ReadLine(paths.proc + "/sys/kernel/unprivileged_userns_clone") == "0") {
    AddNote(report, "user-namespaces", "only root may make user namespaces",
            "rootless containers do not work", "sysctl -w kernel.unprivileged_userns_clone=1");
  } else if (ReadLine(paths.proc + "/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") {
    AddNote(report, "user-namespaces",
            "AppArmor restricts user namespaces of programs without a profile",
            "rootless containers do not work",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile for tiny with "
            "\"userns,\"");
  } else {
    AddOk(report, "user-namespaces", "user namespaces are allowed");
  }
}

void CheckNetwork(const HostPaths& paths, KernelFeatures& features, HostReport* report) {
  constexpr absl::string_view kOnlyNone = "only --network none, host and container:NAME work";
  CheckFeature(report, features.Find("veth", "veth_newlink"), "veth", "virtual Ethernet pairs",
               kOnlyNone, "modprobe veth, or a kernel with CONFIG_VETH");
  CheckFeature(report, features.Find("bridge", "br_dev_setup"), "bridge", "Ethernet bridges",
               kOnlyNone, "modprobe bridge, or a kernel with CONFIG_BRIDGE");
  CheckFeature(report, features.Find("nf_tables", "nf_tables_newtable"), "nf-tables", "nf_tables",
               "containers have no way out through NAT, and -p does not work",
               "modprobe nf_tables, or a kernel with CONFIG_NF_TABLES, CONFIG_NFT_NAT and "
               "CONFIG_NFT_MASQ");
  CheckFeature(report, features.Find("nft_masq", "nft_masq_dump"), "nft-masquerade",
               "masquerading in nf_tables", "containers reach the host, but nothing beyond it",
               "modprobe nft_masq, or a kernel with CONFIG_NFT_MASQ");
  const std::string forward = ReadLine(paths.proc + "/sys/net/ipv4/ip_forward");
  if (forward == "1") {
    AddOk(report, "ip-forward", "the kernel forwards IPv4");
  } else {
    AddOk(report, "ip-forward",
          "the kernel does not forward IPv4 now; tiny turns it on with the first bridge");
  }
  if (PathExists(paths.proc + "/sys/net/ipv6")) {
    AddOk(report, "ipv6", "the kernel has IPv6");
  } else {
    AddNote(report, "ipv6", "the kernel has no IPv6, or it was turned off at boot",
            "networks with --ipv6 do not work", "boot without ipv6.disable=1");
  }
}

void CheckSecurity(const HostPaths& paths, HostReport* report) {
  const std::string actions = ReadLine(paths.proc + "/sys/kernel/seccomp/actions_avail");
  if (absl::StrContains(actions, "errno")) {
    report->security.push_back("seccomp");
    AddOk(report, "seccomp", "system calls can be filtered");
  } else {
    AddBroken(report, "seccomp", "the kernel has no seccomp filters",
              "containers start only with --security-opt seccomp=unconfined",
              "a kernel with CONFIG_SECCOMP_FILTER");
  }
  if (ReadLine(paths.sys + "/module/apparmor/parameters/enabled") == "Y") {
    report->security.push_back("apparmor");
    AddOk(report, "apparmor", "AppArmor is on: profiles can be given by --security-opt apparmor=");
  } else {
    AddOk(report, "apparmor", "AppArmor is off; --security-opt apparmor= is refused");
  }
  if (PathExists(paths.sys + "/fs/selinux/enforce")) report->security.push_back("selinux");
}

}  // namespace tiny::runtime
