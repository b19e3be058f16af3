// E12: what each system call number does in a container, by both entries of the kernel, beside what
// the policy says of it.
#include <linux/audit.h>
#include <sys/syscall.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "e2e/security/fixture.h"
#include "security/capabilities.h"
#include "security/seccomp/bpf_evaluator.h"
#include "security/seccomp/default_profile.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

using Syscalls = SecurityTest;

// {"x64 59" -> "EFAULT"}
std::map<std::string, std::string> Answers(const std::string& text) {
  std::map<std::string, std::string> answers;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words.size() == 3) answers[absl::StrCat(words[0], " ", words[1])] = words[2];
  }
  return answers;
}

TEST_F(Syscalls, E12_EachNumberDoesWhatThePolicySays) {
  const Result filtered = RunRoot({"probe", "syscalls"});
  const Result open = RunRoot({"--security-opt", "seccomp=unconfined", "probe", "syscalls"});
  ASSERT_EQ(filtered.code, 0) << filtered.err;
  ASSERT_EQ(open.code, 0) << open.err;
  const std::map<std::string, std::string> unfiltered = Answers(open.out);
  security::Program storage;
  ASSERT_OK_AND_ASSIGN(const auto program,
                       security::DefaultProgram(security::kDefaultCapabilities, storage));
  std::map<std::string, int> counts;
  for (const auto& [call, answer] : Answers(filtered.out)) {
    const std::vector<std::string> words = absl::StrSplit(call, ' ');
    seccomp_data data = {};
    data.arch = words[0] == "x64" ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_I386;
    ASSERT_TRUE(absl::SimpleAtoi(words[1], &data.nr));
    ASSERT_OK_AND_ASSIGN(const uint32_t action, security::EvaluateBpf(program, data));
    std::string expected = unfiltered.at(call);
    if (action == (SECCOMP_RET_ERRNO | EPERM)) expected = "EPERM";
    if (action == (SECCOMP_RET_ERRNO | ENOSYS)) expected = "ENOSYS";
    ++counts[absl::StrCat(words[0], " ", answer)];
    // The kernel filters neither of uretprobe and uprobe, and seccomp's strict mode can't follow
    // a filter.
    if (call == "x64 335" || call == "x64 336" || call == "x64 317" || call == "i386 354") continue;
    EXPECT_EQ(answer, expected) << call;
  }
  // Neither table is empty, nor does one answer fit all.
  EXPECT_GT(counts["x64 EPERM"], 40);
  EXPECT_GT(counts["x64 ENOSYS"], 100);
  EXPECT_GT(counts["x64 allowed"], 50);
  EXPECT_GT(counts["i386 EPERM"] + counts["i386 allowed"], 50);
}

// By number, without any of our tables: what must not be there, whatever else changes.
TEST_F(Syscalls, E12_TheSharpOnesAreShut) {
  const std::map<std::string, std::string> answers = Answers(RunRoot({"probe", "syscalls"}).out);
  const std::map<int, const char*> expected = {{SYS_mount, "EPERM"},
                                               {SYS_umount2, "EPERM"},
                                               {SYS_unshare, "EPERM"},
                                               {SYS_setns, "EPERM"},
                                               {SYS_pivot_root, "EPERM"},
                                               {SYS_open_tree, "EPERM"},
                                               {SYS_fsopen, "EPERM"},
                                               {SYS_move_mount, "EPERM"},
                                               {SYS_mount_setattr, "EPERM"},
                                               {SYS_keyctl, "EPERM"},
                                               {SYS_add_key, "EPERM"},
                                               {SYS_request_key, "EPERM"},
                                               {SYS_bpf, "EPERM"},
                                               {SYS_userfaultfd, "EPERM"},
                                               {SYS_perf_event_open, "EPERM"},
                                               {SYS_io_uring_setup, "EPERM"},
                                               {SYS_kexec_load, "EPERM"},
                                               {SYS_init_module, "EPERM"},
                                               {SYS_finit_module, "EPERM"},
                                               {SYS_delete_module, "EPERM"},
                                               {SYS_reboot, "EPERM"},
                                               {SYS_swapon, "EPERM"},
                                               {SYS_iopl, "EPERM"},
                                               {SYS_ioperm, "EPERM"},
                                               {SYS_open_by_handle_at, "EPERM"},
                                               {SYS_clone3, "ENOSYS"},
                                               {SYS_getpid, "allowed"}};
  for (const auto& [number, answer] : expected) {
    EXPECT_EQ(answers.at(absl::StrCat("x64 ", number)), answer) << number;
  }
  // i386: mount 21, umount2 52, unshare 310, setns 346, bpf 357, getpid 20.
  for (const int number : {21, 52, 310, 346, 357}) {
    EXPECT_EQ(answers.at(absl::StrCat("i386 ", number)), "EPERM") << number;
  }
  EXPECT_EQ(answers.at("i386 20"), "allowed");
}

}  // namespace
}  // namespace tiny::e2e
