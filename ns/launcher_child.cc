#include "ns/launcher_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"
#include "base/timeline.h"
#include "ns/clone_child.h"
#include "ns/loopback_child.h"

namespace tiny::ns {
namespace {

constexpr uint64_t kNewTime = 0x00000080;
constexpr int kExitCode = 125;

using Step = ChildResult (*)(const ChildPlan& plan) noexcept;

[[noreturn]] void Exit(int code) noexcept {
  for (;;) RawSyscall(SYS_exit_group, code);
}

long Send(int link, init::MessageKind kind, int32_t value, const ChildResult* result) noexcept {
  init::InitMessage message;
  message.kind = kind;
  message.value = value;
  if (result != nullptr) message.result = *result;
  return RawSyscall(SYS_sendto, link, &message, sizeof(message), MSG_NOSIGNAL);
}

// End of file: the parent died, and nobody wants this child any more.
void WaitForParent(int link) noexcept {
  char byte;
  long received;
  do {
    received = RawSyscall(SYS_recvfrom, link, &byte, sizeof(byte), 0);
  } while (received == -EINTR);
  if (received <= 0) Exit(kExitCode);
}

void Barrier(int link, int id) noexcept {
  if (Send(link, init::MessageKind::kBarrier, id, nullptr) < 0) Exit(kExitCode);
  WaitForParent(link);
}

ChildResult SendDescriptor(int link, const SendDescriptorArgument& argument) noexcept {
  init::InitMessage message;
  message.kind = init::MessageKind::kDescriptor;
  message.value = argument.id;
  iovec part = {&message, sizeof(message)};
  alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  *reinterpret_cast<int*>(CMSG_DATA(rights)) = argument.fd;
  const long sent = RawSyscall(SYS_sendmsg, link, &header, MSG_NOSIGNAL);
  RawSyscall(SYS_close, argument.fd);
  return sent < 0 ? ChildError(sent, "send a descriptor") : ChildResult();
}

// The mount and network namespaces may belong to the user namespace or to its parent: what can't be
// joined before the user namespace is tried again after it.
ChildResult Join(const ChildPlan& plan) noexcept {
  if (plan.joins_processes) RawSyscall(SYS_prctl, PR_SET_DUMPABLE, 0);
  if (plan.join_pidfd >= 0) {
    const long joined = RawSyscall(SYS_setns, plan.join_pidfd, plan.join_flags);
    if (joined < 0) return ChildError(joined, "setns to the container's namespaces");
  }
  uint64_t later = 0;
  for (const bool again : {false, true}) {
    for (size_t i = 0; i < plan.join_count; ++i) {
      const JoinedNamespace& joined = plan.join[i];
      const bool user = joined.kind == Kind::kUser;
      if (again ? !user && (later >> i & 1) == 0 : user) continue;
      if (again && user) continue;
      const long result = RawSyscall(SYS_setns, joined.fd, 0);
      if (result == -EPERM && !again) {
        later |= uint64_t{1} << i;
      } else if (result < 0) {
        return ChildError(result, "setns to a namespace given by path");
      }
    }
    if (again) break;
    for (size_t i = 0; i < plan.join_count; ++i) {
      if (plan.join[i].kind != Kind::kUser) continue;
      const long result = RawSyscall(SYS_setns, plan.join[i].fd, 0);
      if (result < 0) return ChildError(result, "setns to a user namespace");
    }
    if (later == 0) break;
  }
  return ChildResult();
}

// /proc/self is the caller in the host's procfs, whatever pid namespace it has gone to.
ChildResult MakeTimeNamespace(const ChildPlan& plan) noexcept {
  const long made = RawSyscall(SYS_unshare, kNewTime);
  if (made < 0) return ChildError(made, "unshare a time namespace");
  if (plan.time_offsets.size == 0) return ChildResult();
  const long fd = RawSyscall(SYS_openat, AT_FDCWD, "/proc/self/timens_offsets", O_WRONLY);
  if (fd < 0) return ChildError(fd, "open /proc/self/timens_offsets");
  const long written = RawSyscall(SYS_write, fd, plan.time_offsets.data, plan.time_offsets.size);
  RawSyscall(SYS_close, fd);
  if (written < 0) return ChildError(written, "write /proc/self/timens_offsets");
  return ChildResult();
}

ChildResult BecomeRootOfUserNamespace(const ChildPlan& plan) noexcept {
  if (plan.new_user_namespace) WaitForParent(plan.link);
  long set = RawSyscall(SYS_setresgid, 0, 0, 0);
  if (set < 0) return ChildError(set, "become gid 0 of the user namespace");
  set = RawSyscall(SYS_setresuid, 0, 0, 0);
  if (set < 0) return ChildError(set, "become uid 0 of the user namespace");
  // A change of credentials clears it.
  RawSyscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  return ChildResult();
}

// Whoever makes it owns the directory of its message queues: with clone(2) that would be the
// parent, whom the user namespace may have no id for.
ChildResult MakeIpcNamespace(const ChildPlan&) noexcept {
  const long made = RawSyscall(SYS_unshare, CLONE_NEWIPC);
  return made < 0 ? ChildError(made, "unshare an IPC namespace") : ChildResult();
}

// Its root is the cgroup that the caller is in now: with clone(2) it would be the parent's.
ChildResult MakeCgroupNamespace(const ChildPlan&) noexcept {
  const long made = RawSyscall(SYS_unshare, CLONE_NEWCGROUP);
  return made < 0 ? ChildError(made, "unshare a cgroup namespace") : ChildResult();
}

ChildResult SetHostname(const ChildPlan& plan) noexcept {
  long set = 0;
  if (plan.hostname.size > 0) {
    set = RawSyscall(SYS_sethostname, plan.hostname.data, plan.hostname.size);
    if (set < 0) return ChildError(set, "sethostname", plan.hostname.data);
  }
  if (plan.domainname.size > 0) {
    set = RawSyscall(SYS_setdomainname, plan.domainname.data, plan.domainname.size);
    if (set < 0) return ChildError(set, "setdomainname", plan.domainname.data);
  }
  return ChildResult();
}

// The parent has seen to it that no number is overwritten before it is used. What keeps its number
// was inherited, and is not close-on-exec; one that is was the engine's own and is not given away.
ChildResult ExecuteStub(const ChildPlan& plan) noexcept {
  const int link = static_cast<int>(plan.descriptor_count);
  for (int to = 0; to <= link + 1; ++to) {
    const int from = to < link ? plan.descriptors[to] : to == link ? plan.link : plan.start_fd;
    if (from < 0 || from == to) continue;
    const long placed = RawSyscall(SYS_dup3, from, to, 0);
    if (placed < 0) return ChildError(placed, "place a descriptor for the program");
  }
  const int first_closed = link + (plan.start_fd >= 0 ? 2 : 1);
  const long closed = RawSyscall(SYS_close_range, first_closed, ~0U, CLOSE_RANGE_CLOEXEC);
  if (closed < 0) return ChildError(closed, "close_range");
  const uint64_t blocked = 0;
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, nullptr, sizeof(blocked));
  const long error =
      RawSyscall(SYS_execveat, plan.image_fd, "", plan.argv, plan.envp, AT_EMPTY_PATH);
  return ChildError(error, "execute the init stub");
}

[[noreturn]] void Fail(int link, uint32_t step, ChildResult result) noexcept {
  result.step = step;
  Send(link, init::MessageKind::kFailed, 0, &result);
  Exit(kExitCode);
}

void RunBuiltin(const ChildPlan& plan, BuiltinStep step, Step run) noexcept {
  const ChildResult result = run(plan);
  if (!result.ok()) Fail(plan.link, kBuiltinSteps + static_cast<uint32_t>(step), result);
  Timeline::Stamp(BuiltinStepName(kBuiltinSteps + static_cast<uint32_t>(step)));
}

// The final child: everything that is done in the new namespaces.
void RunFinal(void* argument) noexcept {
  const ChildPlan& plan = *static_cast<const ChildPlan*>(argument);
  Timeline::Stamp("in new namespaces (clone3)");
  RawSyscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (plan.new_user_namespace || plan.joins_user_namespace) {
    RunBuiltin(plan, BuiltinStep::kUser, BecomeRootOfUserNamespace);
  }
  if (plan.new_ipc_namespace) RunBuiltin(plan, BuiltinStep::kIpc, MakeIpcNamespace);
  if (plan.new_cgroup_namespace) RunBuiltin(plan, BuiltinStep::kCgroup, MakeCgroupNamespace);
  if (plan.hostname.size + plan.domainname.size > 0) {
    RunBuiltin(plan, BuiltinStep::kUts, SetHostname);
  }
  if (plan.loopback_up) {
    RunBuiltin(plan, BuiltinStep::kLoopback, [](const ChildPlan&) noexcept {
      int socket;  // closed by the exec
      return RaiseLoopback(&socket);
    });
  }
  for (size_t i = 0; i < plan.step_count; ++i) {
    const ChildStep& step = plan.steps[i];
    ChildResult result;
    if (step.run == &BarrierStep) {
      Barrier(plan.link, static_cast<const BarrierArgument*>(step.argument)->id);
    } else if (step.run == &SendDescriptorStep) {
      result =
          SendDescriptor(plan.link, *static_cast<const SendDescriptorArgument*>(step.argument));
    } else {
      result = step.run(step.argument);
    }
    if (!result.ok()) Fail(plan.link, static_cast<uint32_t>(i), result);
    Timeline::Stamp(step.name);
  }
  RunBuiltin(plan, BuiltinStep::kExec, ExecuteStub);
}

}  // namespace

const char* BuiltinStepName(uint32_t step) {
  switch (static_cast<BuiltinStep>(step - kBuiltinSteps)) {
    case BuiltinStep::kJoin:
      return "join namespaces";
    case BuiltinStep::kTime:
      return "time namespace";
    case BuiltinStep::kClone:
      return "clone";
    case BuiltinStep::kUser:
      return "user namespace";
    case BuiltinStep::kIpc:
      return "IPC namespace";
    case BuiltinStep::kCgroup:
      return "cgroup namespace";
    case BuiltinStep::kUts:
      return "hostname";
    case BuiltinStep::kLoopback:
      return "loopback";
    case BuiltinStep::kExec:
      return "init";
  }
  return "launch";
}

ChildResult BarrierStep(const void*) noexcept { return ChildResult(); }
ChildResult SendDescriptorStep(const void*) noexcept { return ChildResult(); }

void RunChild(void* argument) noexcept {
  auto& plan = *static_cast<ChildPlan*>(argument);
  // While it waits, its own copy of the parent's end would hide the parent's death.
  if (plan.parent_link >= 0) RawSyscall(SYS_close, plan.parent_link);
  if (!plan.intermediate) {
    if (plan.join_count > 0) RunBuiltin(plan, BuiltinStep::kJoin, Join);
    RunFinal(argument);
    Exit(kExitCode);
  }
  RawSyscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (plan.new_time_namespace) RunBuiltin(plan, BuiltinStep::kTime, MakeTimeNamespace);
  RunBuiltin(plan, BuiltinStep::kJoin, Join);
  const long pid = CloneInto(&plan.final_clone, &RunFinal, argument);
  if (pid < 0) {
    Fail(plan.link, kBuiltinSteps + static_cast<uint32_t>(BuiltinStep::kClone),
         ChildError(pid, "clone3 in the joined namespaces"));
  }
  Exit(0);
}

}  // namespace tiny::ns
