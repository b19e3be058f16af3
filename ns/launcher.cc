#include "ns/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/timeline.h"
#include "base/value_file.h"
#include "ns/clone_child.h"
#include "ns/launcher_child.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace tiny::ns {
namespace {

constexpr size_t kStackBytes = size_t{256} << 10;

// The stack of a child that shares this process's memory. The kernel guards what is below it:
// MAP_GROWSDOWN in mmap(2).
class ChildStack {
 public:
  ChildStack() = default;
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  ~ChildStack() {
    if (memory_ != nullptr) munmap(memory_, kStackBytes);
  }

  absl::Status Allocate() {
    void* memory =
        mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | MAP_GROWSDOWN, -1, 0);
    if (memory == MAP_FAILED) return PosixStatus(errno, "map a stack for the child");
    memory_ = memory;
    return absl::OkStatus();
  }
  uint64_t base() const { return reinterpret_cast<uint64_t>(memory_); }

 private:
  void* memory_ = nullptr;
};

// Where the kernel writes the pid of the final child (CLONE_PARENT_SETTID), as part of the
// intermediate one's clone: known to the parent even when that one is killed right then.
class FinalPid {
 public:
  FinalPid() = default;
  FinalPid(const FinalPid&) = delete;
  FinalPid& operator=(const FinalPid&) = delete;
  ~FinalPid() {
    if (pid_ != &own_) munmap(pid_, sizeof(*pid_));
  }

  // For an intermediate child that has memory of its own.
  absl::Status Share() {
    void* memory = mmap(nullptr, sizeof(*pid_), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return PosixStatus(errno, "map memory shared with the child");
    pid_ = static_cast<pid_t*>(memory);
    return absl::OkStatus();
  }
  uint64_t address() const { return reinterpret_cast<uint64_t>(pid_); }
  pid_t value() const { return *pid_; }  // 0: there was no clone

 private:
  pid_t own_ = 0;
  pid_t* pid_ = &own_;
};

bool Joins(const LaunchPlan& plan, Kind kind) {
  if ((plan.join_flags & CloneFlag(kind)) != 0) return true;
  for (const JoinedNamespace& joined : plan.join) {
    if (joined.kind == kind) return true;
  }
  return false;
}

// A descriptor that must survive until number `count` is assigned, moved out of the way if needed.
absl::StatusOr<int> KeepAbove(int fd, int count, std::vector<UniqueFd>& moved) {
  if (fd < 0 || fd >= count) return fd;
  moved.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, count));
  if (!moved.back()) return PosixStatus(errno, "duplicate a descriptor");
  return moved.back().get();
}

// Bit n-1 for signal n, of /proc/PID/stat: field 33 of proc_pid_stat(5). It tells nothing of the
// real-time ones.
uint64_t IgnoredSignals(absl::string_view stat) {
  const std::vector<absl::string_view> fields =
      absl::StrSplit(stat.substr(stat.rfind(')') + 1), ' ', absl::SkipEmpty());
  constexpr uint64_t kAll = 0x7fffffff;
  uint64_t ignored = kAll;
  return fields.size() > 30 && absl::SimpleAtoi(fields[30], &ignored) ? ignored : kAll;
}

void Reap(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
}

absl::Status KilledError() {
  return absl::InternalError("the child was killed while it made the container");
}

}  // namespace

// Lives until the child has executed the stub, as the child may read it all that time.
struct PendingChild::Impl {
  ~Impl() {
    if (pid > 0 && !detached) {
      SendSignal(pidfd.get(), SIGKILL).IgnoreError();
      Reap(pid);
    }
  }

  absl::Status CompilePlan(const LaunchPlan& launch);
  absl::Status PlaceDescriptors(const LaunchPlan& launch);
  absl::Status Clone(const LaunchPlan& launch);
  bool SharesMemory(const LaunchPlan& launch) const;
  absl::Status AwaitFinalChild(pid_t intermediate);
  absl::Status LookAtChild();
  absl::Status Send(const void* bytes, size_t size, absl::string_view what);
  absl::Status ToStatus(const ChildResult& result) const;

  ChildStack stack;
  FinalPid final_pid;
  ChildPlan plan;
  std::vector<JoinedNamespace> join;
  std::vector<ChildStep> steps;
  std::vector<const char*> argv;
  std::vector<const char*> envp;
  std::vector<int> descriptors;
  std::vector<UniqueFd> moved;
  std::string stub_name;
  std::string hostname;
  std::string domainname;
  std::string time_offsets;

  UniqueFd link;
  UniqueFd child_link;
  UniqueFd pidfd;
  pid_t pid = 0;
  uint64_t start_time = 0;
  uint64_t ignored_signals = 0;
  bool waits_to_be_started = false;
  bool left_unread = false;  // it has ended, and there is something that it was sent and never read
  bool detached = false;
};

absl::Status PendingChild::Impl::PlaceDescriptors(const LaunchPlan& launch) {
  const int link_number = static_cast<int>(launch.descriptors.size());
  const int count = link_number + 2;
  descriptors = launch.descriptors;
  for (int i = 0; i < link_number; ++i) {
    if (descriptors[i] == i) continue;
    ASSIGN_OR_RETURN(descriptors[i], KeepAbove(descriptors[i], count, moved));
  }
  ASSIGN_OR_RETURN(plan.link, KeepAbove(child_link.get(), count, moved));
  ASSIGN_OR_RETURN(plan.start_fd, KeepAbove(launch.start_fd, count, moved));
  waits_to_be_started = plan.start_fd >= 0;
  ASSIGN_OR_RETURN(plan.image_fd, KeepAbove(launch.image_fd, count, moved));
  plan.descriptors = descriptors.data();
  plan.descriptor_count = descriptors.size();
  stub_name = absl::StrCat("tiny-init ", link_number, launch.reports_ready ? " ready" : "");
  return absl::OkStatus();
}

absl::Status PendingChild::Impl::CompilePlan(const LaunchPlan& launch) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return PosixStatus(errno, "make a socket pair");
  }
  link.Reset(pair[0]);
  child_link.Reset(pair[1]);
  RETURN_IF_ERROR(PlaceDescriptors(launch));

  join = launch.join;
  plan.join = join.data();
  plan.join_count = join.size();
  plan.join_pidfd = launch.join_pidfd;
  plan.join_flags = launch.join_flags;
  time_offsets = launch.time_offsets;
  plan.time_offsets = {time_offsets.c_str(), time_offsets.size()};
  plan.new_time_namespace = (launch.new_namespaces & CLONE_NEWTIME) != 0;
  plan.joins_processes =
      Joins(launch, Kind::kPid) || Joins(launch, Kind::kUser) || Joins(launch, Kind::kMount);
  plan.new_user_namespace = (launch.new_namespaces & CLONE_NEWUSER) != 0;
  plan.joins_user_namespace = Joins(launch, Kind::kUser);
  // New namespaces belong to the user namespace that their maker is in: it has to join it first.
  plan.intermediate = plan.new_time_namespace || Joins(launch, Kind::kPid) ||
                      Joins(launch, Kind::kTime) || launch.join_pidfd >= 0 ||
                      (plan.joins_user_namespace && launch.new_namespaces != 0);
  plan.new_ipc_namespace = (launch.new_namespaces & CLONE_NEWIPC) != 0 &&
                           (plan.new_user_namespace || plan.joins_user_namespace);
  plan.new_cgroup_namespace = (launch.new_namespaces & CLONE_NEWCGROUP) != 0;
  hostname = launch.hostname;
  domainname = launch.domainname;
  plan.hostname = {hostname.c_str(), hostname.size()};
  plan.domainname = {domainname.c_str(), domainname.size()};
  plan.loopback_up = launch.loopback_up && (launch.new_namespaces & CLONE_NEWNET) != 0;
  steps = launch.steps;
  const bool waits = plan.new_user_namespace ||
                     std::any_of(steps.begin(), steps.end(),
                                 [](const ChildStep& step) { return step.run == &BarrierStep; });
  plan.parent_link = waits || plan.intermediate ? link.get() : -1;
  plan.steps = steps.data();
  plan.step_count = steps.size();
  argv = {stub_name.c_str()};
  argv.insert(argv.end(), launch.argv.begin(), launch.argv.end());
  argv.push_back(nullptr);
  envp = launch.envp;
  envp.push_back(nullptr);
  plan.argv = argv.data();
  plan.envp = envp.data();
  return absl::OkStatus();
}

// The handshake of parent P and child C. Each message is one packet of the pair.
//  1. P  compiles everything to plain memory and descriptors, all close-on-exec, and makes the
//  pair.
//  2. P  clone3(new namespaces | CLONE_INTO_CGROUP | CLONE_CLEAR_SIGHAND), and CLONE_VM where C
//        joins nobody and gets no new user ids: copying page tables would cost more than all else.
//        From here on C makes raw system calls only.
//  3. C  asks to die with P, and closes P's end where it is going to wait for P.
//     (An intermediate child instead leaves the dumpable state, makes the time namespace, joins,
//     clones C as P's child and with memory of its own, and exits; P reaps it and finds C's pid in
//     memory of both.)
//  4. P  writes the id maps and sends a byte; C waited for it, and becomes root. User namespaces
//  only.
//  5. P  goes on with the outside half: cgroups, limits, network.   C  takes its steps, in order.
//     The first that fails is sent as kFailed with its ChildResult, and C exits with 125.
//     A barrier step sends kBarrier and waits for a byte.
//  6. C  executes the stub, which is not dumpable, forgets to die with P, and sends kReady.
//  7. P  sends the configuration, which is the go: payload.h tells the rest. Where nothing has to
//        be done between 6 and 7, it is sent while C takes its steps, and there is no kReady.
//  8. P  reads end of file: the program runs. Or kFailed.
absl::StatusOr<PendingChild> CloneChild(const LaunchPlan& launch) {
  auto impl = std::make_unique<PendingChild::Impl>();
  RETURN_IF_ERROR(impl->CompilePlan(launch));
  RETURN_IF_ERROR(impl->Clone(launch));
  RETURN_IF_ERROR(impl->LookAtChild());
  return PendingChild(std::move(impl));
}

// A child that others may trace gets a memory of its own: whoever does would have this process,
// too. An intermediate one is in no pid namespace but this process's, and in no cgroup either; the
// kernel wants it to be alone for a time namespace, and where it takes on new user ids.
bool PendingChild::Impl::SharesMemory(const LaunchPlan& launch) const {
  if (plan.new_user_namespace || plan.joins_user_namespace) return false;
  if (plan.intermediate) return !plan.new_time_namespace && !Joins(launch, Kind::kTime);
  return launch.share_memory && !plan.joins_processes;
}

absl::Status PendingChild::Impl::Clone(const LaunchPlan& launch) {
  // The kernel makes time namespaces for children only, the cgroup namespace has to wait until the
  // child is in its cgroup, and an IPC namespace in a user namespace until it is root there.
  uint64_t at_clone = launch.new_namespaces & ~uint64_t{CLONE_NEWTIME | CLONE_NEWCGROUP};
  if (plan.new_ipc_namespace) at_clone &= ~uint64_t{CLONE_NEWIPC};
  clone_args final_clone = {};
  final_clone.flags = at_clone | CLONE_CLEAR_SIGHAND;
  if (launch.cgroup_fd >= 0) {
    final_clone.flags |= CLONE_INTO_CGROUP;
    final_clone.cgroup = static_cast<uint64_t>(launch.cgroup_fd);
  }
  clone_args args = final_clone;
  if (plan.intermediate) {
    args = {};
    args.flags = CLONE_CLEAR_SIGHAND;
    plan.final_clone = final_clone;
    if (!SharesMemory(launch)) RETURN_IF_ERROR(final_pid.Share());
    plan.final_clone.flags |= CLONE_PARENT | CLONE_PARENT_SETTID;
    plan.final_clone.parent_tid = final_pid.address();
  }
  args.exit_signal = SIGCHLD;
  int pidfd_number = -1;
  args.flags |= CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd_number);
  if (SharesMemory(launch)) {
    RETURN_IF_ERROR(stack.Allocate());
    args.flags |= CLONE_VM;
    args.stack = stack.base();
    args.stack_size = kStackBytes;
  }
  const int dumpable = plan.intermediate ? prctl(PR_GET_DUMPABLE) : 0;
  const long result = CloneInto(&args, &RunChild, &plan);
  if (result < 0) return PosixStatus(static_cast<int>(-result), "clone3 into new namespaces");
  // Any copy of the child's end left here would hide its end of file.
  child_link.Reset();
  moved.clear();
  pid = static_cast<pid_t>(result);
  pidfd.Reset(pidfd_number);
  Timeline::Count(Tally::kForks, plan.intermediate ? 2 : 1);
  if (!plan.intermediate) return absl::OkStatus();
  const absl::Status status = AwaitFinalChild(std::exchange(pid, 0));
  // The intermediate one has said of the memory that it shares that it is not dumpable.
  if (SharesMemory(launch)) prctl(PR_SET_DUMPABLE, dumpable);
  return status;
}

absl::Status PendingChild::Impl::AwaitFinalChild(pid_t intermediate) {
  Reap(intermediate);
  if (final_pid.value() == 0) {
    init::InitMessage message;
    const ssize_t size = recv(link.get(), &message, sizeof(message), MSG_DONTWAIT);
    if (size != sizeof(message)) return absl::InternalError("the joining process died");
    return ToStatus(message.result);
  }
  // The final child is ours (CLONE_PARENT) and not reaped yet, so that its pid is still its own.
  pid = final_pid.value();
  absl::StatusOr<UniqueFd> opened = OpenPidfd(pid);
  if (opened.ok()) {
    pidfd = *std::move(opened);
    return absl::OkStatus();
  }
  kill(pid, SIGKILL);
  Reap(std::exchange(pid, 0));
  return opened.status();
}

// One look for who it is and for what it has inherited.
absl::Status PendingChild::Impl::LookAtChild() {
  ASSIGN_OR_RETURN(const std::string text, ReadValue(absl::StrCat("/proc/", pid, "/stat")));
  ASSIGN_OR_RETURN(const ProcessStat stat, ParseProcessStat(text));
  start_time = stat.start_time;
  ignored_signals = IgnoredSignals(text);
  return absl::OkStatus();
}

absl::Status PendingChild::Impl::ToStatus(const ChildResult& result) const {
  char detail[sizeof(result.detail) + 1] = {};
  memcpy(detail, result.detail, sizeof(result.detail));
  const absl::Status status = PosixStatus(result.error_number, detail);
  if (result.step == init::kStubStep) return status;
  const char* name = result.step < steps.size()     ? steps[result.step].name
                     : result.step >= kBuiltinSteps ? BuiltinStepName(result.step)
                                                    : "launch";
  return Annotate(status, name);
}

absl::Status PendingChild::Impl::Send(const void* bytes, size_t size, absl::string_view what) {
  ssize_t sent;
  do {
    sent = send(link.get(), bytes, size, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent == static_cast<ssize_t>(size)) return absl::OkStatus();
  if (errno != EPIPE) return PosixStatus(errno, absl::StrCat("send ", what, " to the child"));
  // The child has died, of a failure that it told of before or by a signal.
  init::InitMessage message;
  const ssize_t received = recv(link.get(), &message, sizeof(message), MSG_DONTWAIT);
  if (received == static_cast<ssize_t>(sizeof(message)) &&
      message.kind == init::MessageKind::kFailed) {
    return ToStatus(message.result);
  }
  return KilledError();
}

PendingChild::PendingChild(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PendingChild::PendingChild(PendingChild&&) noexcept = default;
PendingChild& PendingChild::operator=(PendingChild&&) noexcept = default;
PendingChild::~PendingChild() = default;

pid_t PendingChild::pid() const { return impl_->pid; }
uint64_t PendingChild::start_time() const { return impl_->start_time; }
ProcessIdentity PendingChild::identity() const { return {impl_->pid, impl_->start_time, BootId()}; }
int PendingChild::pidfd() const { return impl_->pidfd.get(); }
int PendingChild::start_fd() const { return static_cast<int>(impl_->descriptors.size()) + 1; }

absl::Status PendingChild::AllowUserNamespace() { return impl_->Send("u", 1, "a go"); }
absl::Status PendingChild::PassBarrier() { return impl_->Send("b", 1, "a go"); }
absl::Status PendingChild::Configure(absl::string_view config) {
  std::string message(config);
  if (message.size() < sizeof(init::InitConfig)) {
    return absl::InvalidArgumentError("the init configuration is cut short");
  }
  memcpy(message.data() + offsetof(init::InitConfig, ignored_signals), &impl_->ignored_signals,
         sizeof(impl_->ignored_signals));
  return impl_->Send(message.data(), message.size(), "its configuration");
}

absl::StatusOr<init::InitMessage> PendingChild::Receive(UniqueFd* descriptor) {
  init::InitMessage message;
  iovec part = {&message, sizeof(message)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t size;
  do {
    size = recvmsg(impl_->link.get(), &header, MSG_CMSG_CLOEXEC);
    // Said once, and before what the child had sent: unix_release_sock in net/unix/af_unix.c.
    if (size < 0 && errno == ECONNRESET) impl_->left_unread = true;
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0) return PosixStatus(errno, "receive from the child");
  UniqueFd received;
  if (const cmsghdr* rights = CMSG_FIRSTHDR(&header);
      rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    int fd;
    memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
    received.Reset(fd);
  }
  if (size == 0) return absl::UnavailableError("the child closed its link");
  if (size != sizeof(message)) return absl::InternalError("a damaged message of the child");
  if (message.kind == init::MessageKind::kFailed) return impl_->ToStatus(message.result);
  if (descriptor != nullptr) *descriptor = std::move(received);
  return message;
}

absl::Status PendingChild::EarlyFailure() {
  for (;;) {
    pollfd link = {.fd = impl_->link.get(), .events = POLLIN};
    if (poll(&link, 1, 0) <= 0) return absl::OkStatus();
    const absl::Status status = Receive().status();
    if (absl::IsUnavailable(status)) return absl::OkStatus();
    RETURN_IF_ERROR(status);
  }
}

absl::Status PendingChild::WaitUntilReady(const OnMessage& on_message) {
  for (;;) {
    UniqueFd descriptor;
    absl::StatusOr<init::InitMessage> message = Receive(&descriptor);
    if (absl::IsUnavailable(message.status())) {
      return KilledError();
    }
    RETURN_IF_ERROR(message.status());
    if (message->kind == init::MessageKind::kReady) return absl::OkStatus();
    if (on_message != nullptr) RETURN_IF_ERROR(on_message(*message, std::move(descriptor)));
  }
}

absl::Status PendingChild::WaitUntilExecuted(const OnMessage& on_message) {
  for (;;) {
    UniqueFd descriptor;
    const absl::StatusOr<init::InitMessage> message = Receive(&descriptor);
    if (absl::IsUnavailable(message.status())) {
      if (impl_->left_unread || impl_->waits_to_be_started) return KilledError();
      Timeline::Count(Tally::kExecs, 2);  // the stub, and the program
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(message.status());
    if (message->kind == init::MessageKind::kWaiting) return absl::OkStatus();
    if (on_message != nullptr) RETURN_IF_ERROR(on_message(*message, std::move(descriptor)));
  }
}

void PendingChild::Detach() { impl_->detached = true; }

UniqueFd PendingChild::TakePidfd() { return std::move(impl_->pidfd); }

}  // namespace tiny::ns
