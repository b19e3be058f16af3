// A start whose system calls fail, one after the other.
#include <sys/mount.h>
#include <sys/syscall.h>

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "e2e/security/fixture.h"
#include "e2e/security/stepper.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

// Not those that only look, wait, or belong to the C library: without them a program does not get
// far, or waits for ever.
bool IsAStep(uint64_t number) {
  static const std::set<uint64_t> kOthers = {SYS_exit,
                                             SYS_exit_group,
                                             SYS_execve,
                                             SYS_wait4,
                                             SYS_waitid,
                                             SYS_poll,
                                             SYS_ppoll,
                                             SYS_close,
                                             SYS_mmap,
                                             SYS_munmap,
                                             SYS_brk,
                                             SYS_mprotect,
                                             SYS_rt_sigreturn,
                                             SYS_rt_sigaction,
                                             SYS_rt_sigprocmask,
                                             SYS_arch_prctl,
                                             SYS_getrandom,
                                             SYS_futex,
                                             SYS_set_tid_address,
                                             SYS_set_robust_list,
                                             SYS_rseq,
                                             SYS_madvise,
                                             SYS_read,
                                             SYS_recvmsg,
                                             SYS_recvfrom,
                                             SYS_getdents64,
                                             SYS_newfstatat,
                                             SYS_fstat,
                                             SYS_lseek,
                                             SYS_clock_gettime,
                                             SYS_rt_sigtimedwait};
  return kOthers.count(number) == 0;
}

// Done in another way where these fail: device rules by version 1's files, fewer capabilities. And
// umask(2) can't fail.
bool MayDiffer(uint64_t number) {
  return number == SYS_bpf || number == SYS_capget || number == SYS_umask;
}

class Failures : public SecurityTest {
 protected:
  // A container with something of everything that isolates and limits it, which shows what it has.
  std::vector<std::string> Words() {
    return Bundle(
        {"sh", "-c",
         "hostname; grep -E '^(Uid|Gid|Groups|Cap|NoNew|Seccomp:)' /proc/self/status; "
         "busybox cut -d' ' -f5-6 /proc/self/mountinfo | busybox sort; ls /proc/self/fd | wc -l; "
         "umask; "
         "cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward; ulimit -n; pwd; env; "
         "ls -l /dev | busybox cut -c1-30; mkdir /tmp/made 2>&1"},
        [](nlohmann::json& config) {
          config["process"]["user"] = {
              {"uid", 1000}, {"gid", 1000}, {"additionalGids", {5}}, {"umask", 0027}};
          config["process"]["oomScoreAdj"] = 100;
          config["process"]["cwd"] = "/tmp";
          config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
          config["linux"]["resources"]["pids"] = {{"limit", 50}};
          config["linux"]["seccomp"] = {
              {"defaultAction", "SCMP_ACT_ALLOW"},
              {"syscalls", {{{"names", {"mkdir"}}, {"action", "SCMP_ACT_ERRNO"}}}}};
        });
  }
};

// Never is there a container that lacks what a step would have given it, and nothing is left on the
// host, even where the host's mounts are shared.
TEST_F(Failures, P21_AStepThatFailsFailsTheStart) {
  ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr), 0);
  const std::string mounts = ReadFile("/proc/self/mountinfo").value();
  const std::vector<std::string> words = Words();
  const Result expected = RunStepped(words, [](Call&) {});
  ASSERT_EQ(expected.code, 1) << expected.err;  // that of mkdir, which the filter refuses
  ASSERT_NE(expected.out, "");
  int calls = 1;
  int refused = 0;
  for (int failing = 0; failing < calls; ++failing) {
    int count = 0;
    bool program = false;
    std::string failed;
    bool may_differ = false;
    const Result result = RunStepped(words, [&](Call& call) {
      program = program || (call.descendant && call.number == SYS_execve);
      if (program || !IsAStep(call.number) || count++ != failing) return;
      call.fail_with = EPERM;
      may_differ = MayDiffer(call.number);
      failed = absl::StrCat("EPERM from call ", failing, ", number ", call.number, " ",
                            call.arguments[0], " ", call.arguments[1], " ", call.Text(1));
    });
    calls = std::max(calls, count);
    EXPECT_LT(result.code, 128) << "killed or hung after " << failed;
    if (result.out.empty()) {
      ++refused;
      EXPECT_NE(result.code, 0) << failed;
      EXPECT_NE(result.err, "") << failed;
    } else if (!may_differ) {
      EXPECT_EQ(result.out, expected.out) << "with " << failed;
    }
    RunProgram(Oci({"delete", "--force", words.back()}));
    ASSERT_EQ(ReadFile("/proc/self/mountinfo").value(), mounts) << failed;
  }
  EXPECT_GT(calls, 150);
  EXPECT_GT(refused, 100);
  EXPECT_EQ(RunProgram(Oci({"list", "--quiet"})).out, "");
  ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
}

}  // namespace
}  // namespace tiny::e2e
