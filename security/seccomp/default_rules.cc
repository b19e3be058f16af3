#include "security/seccomp/default_rules.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "security/seccomp/syscalls.h"

namespace tiny::security {
namespace {

// removexattrat, Linux 6.13. A later call fails with ENOSYS until somebody has thought about it.
constexpr int32_t kLastReviewed = 466;
constexpr int32_t kArmPrivate = 0xf0000;

// Calls that no container has, whatever its capabilities.
constexpr const char* kDenied[] = {
    // The kernel's key rings are not namespaced.
    "add_key keyctl request_key",
    // A second, asynchronous system call interface, past this very filter.
    "io_uring_enter io_uring_register io_uring_setup",
    // Replaces the running kernel.
    "kexec_file_load kexec_load",
    // Lets a fault in the kernel be held open: the helper of many exploits.
    "userfaultfd",
    // Other processes' memory placement.
    "migrate_pages move_pages",
    "pivot_root swapoff swapon",
    // Obsolete, never implemented or gone.
    "_sysctl afs_syscall bdflush break create_module ftime get_kernel_syms getpmsg gtty idle lock",
    "mpx nfsservctl olduname oldolduname oldfstat oldlstat oldstat prof profil putpmsg",
    "query_module readdir security sgetmask sigaction signal sigsuspend ssetmask stty sysfs",
    "tuxcall ulimit uselib ustat vm86 vm86old vserver",
    // Private to 32-bit ARM.
    "usr26 usr32 pciconfig_iobase pciconfig_read pciconfig_write",
    "uprobe",
};

// Calls that a capability opens; with more than one line, any of them does.
constexpr struct {
  int capability;
  const char* syscalls;
} kGated[] = {
    {CAP_DAC_READ_SEARCH, "open_by_handle_at"},
    {CAP_SYS_ADMIN,
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie "
     "lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount "
     "open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog "
     "umount umount2 unshare"},
    {CAP_SYS_BOOT, "reboot"},
    {CAP_SYS_CHROOT, "chroot"},
    {CAP_SYS_MODULE, "delete_module finit_module init_module"},
    {CAP_SYS_PACCT, "acct"},
    {CAP_SYS_PTRACE, "kcmp pidfd_getfd process_madvise"},
    {CAP_SYS_RAWIO, "ioperm iopl"},
    {CAP_SYS_TIME, "clock_settime clock_settime64 settimeofday stime"},
    {CAP_SYS_TTY_CONFIG, "vhangup"},
    {CAP_SYS_NICE, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {CAP_SYSLOG, "syslog"},
    {CAP_BPF, "bpf"},
    {CAP_PERFMON, "perf_event_open"},
};

// Allowed only with certain arguments, by rules of their own below.
constexpr const char* kConditional[] = {"clone", "clone3", "personality", "socket"};

constexpr Action kPermissionDenied = SECCOMP_RET_ERRNO | EPERM;
constexpr Action kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;

std::vector<std::string> Split(absl::string_view names) {
  return absl::StrSplit(names, ' ', absl::SkipEmpty());
}

std::vector<std::string> NamesWithoutRules(const std::vector<std::string>& decided) {
  std::vector<std::string> names;
  for (const SyscallName& call : AllSyscalls()) {
    const bool reviewed =
        std::all_of(std::begin(call.numbers), std::end(call.numbers),
                    [](int32_t number) { return number <= kLastReviewed || number > kArmPrivate; });
    if (reviewed && !std::binary_search(decided.begin(), decided.end(), call.name)) {
      names.push_back(call.name);
    }
  }
  return names;
}

ArgumentCheck Check(uint8_t index, Comparison op, uint64_t value, uint64_t value_two = 0) {
  return {.index = index, .op = op, .value = value, .value_two = value_two};
}

void AddConditionalRules(CapabilitySet capabilities, std::vector<Rule>& rules) {
  const auto allow = [&rules](const char* call, std::vector<ArgumentCheck> checks) {
    rules.push_back({{call}, SECCOMP_RET_ALLOW, std::move(checks)});
  };
  if (!capabilities.Has(CAP_SYS_ADMIN)) {
    // No new namespace by clone; clone3 keeps its flags in memory, which no filter can read.
    constexpr uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    allow("clone", {Check(0, Comparison::kMaskedEqual, kNamespaces, 0)});
    rules.push_back({{"clone"}, kPermissionDenied, {Check(0, Comparison::kGreaterOrEqual, 0)}});
    rules.push_back({{"clone3"}, kNoSuchCall, {}});
  }
  // READ_IMPLIES_EXEC and the like weaken the process; these are what programs really ask for.
  for (const uint64_t persona : {uint64_t{PER_LINUX}, uint64_t{PER_LINUX32}, uint64_t{0x20000},
                                 uint64_t{0x20000} | PER_LINUX32, uint64_t{0xffffffff}}) {
    allow("personality", {Check(0, Comparison::kEqual, persona)});
  }
  rules.push_back({{"personality"}, kPermissionDenied, {Check(0, Comparison::kGreaterOrEqual, 0)}});
  // AF_ALG (38) hands the kernel's crypto, and its bugs, to everybody; AF_VSOCK (40) reaches the
  // hypervisor. On i386 socketcall(2) stays: a filter can't see its arguments.
  if (!capabilities.Has(CAP_AUDIT_WRITE)) {
    constexpr int kNetlinkAudit = 9;
    rules.push_back(
        {{"socket"},
         SECCOMP_RET_ERRNO | EINVAL,
         {Check(0, Comparison::kEqual, AF_NETLINK), Check(2, Comparison::kEqual, kNetlinkAudit)}});
  }
  rules.push_back({{"socket"}, kPermissionDenied, {Check(0, Comparison::kEqual, AF_ALG)}});
  rules.push_back({{"socket"}, kPermissionDenied, {Check(0, Comparison::kEqual, AF_VSOCK)}});
  allow("socket", {Check(0, Comparison::kGreaterOrEqual, 0)});
}

}  // namespace

CapabilitySet GatingCapabilities() {
  CapabilitySet gates{CAP_AUDIT_WRITE};
  for (const auto& gated : kGated) gates = gates | CapabilitySet{gated.capability};
  return gates;
}

Policy DefaultPolicy(CapabilitySet capabilities, Arch native) {
  Policy policy;
  policy.default_action = kNoSuchCall;
  policy.architectures = native == Arch::kX86_64 ? std::vector<Arch>{Arch::kX86_64, Arch::kI386}
                                                 : std::vector<Arch>{Arch::kAarch64, Arch::kArm};

  std::vector<std::string> allowed;
  std::vector<std::string> denied;
  for (const char* names : kDenied) {
    for (std::string& name : Split(names)) denied.push_back(std::move(name));
  }
  for (const auto& gated : kGated) {
    std::vector<std::string>& list = capabilities.Has(gated.capability) ? allowed : denied;
    for (std::string& name : Split(gated.syscalls)) list.push_back(std::move(name));
  }
  std::sort(allowed.begin(), allowed.end());
  std::sort(denied.begin(), denied.end());
  std::vector<std::string> decided;
  std::set_union(allowed.begin(), allowed.end(), denied.begin(), denied.end(),
                 std::back_inserter(decided));
  for (const char* name : kConditional) {
    decided.insert(std::lower_bound(decided.begin(), decided.end(), name), name);
    denied.erase(std::remove(denied.begin(), denied.end(), name), denied.end());
  }
  // What one capability opens, another that is lacking does not close.
  std::vector<std::string> closed;
  std::set_difference(denied.begin(), denied.end(), allowed.begin(), allowed.end(),
                      std::back_inserter(closed));

  for (std::string& name : NamesWithoutRules(decided)) allowed.push_back(std::move(name));
  policy.rules.push_back({std::move(allowed), SECCOMP_RET_ALLOW, {}});
  policy.rules.push_back({std::move(closed), kPermissionDenied, {}});
  AddConditionalRules(capabilities, policy.rules);
  return policy;
}

}  // namespace tiny::security
