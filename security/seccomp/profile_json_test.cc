#include "security/seccomp/profile_json.h"

#include <linux/capability.h>
#include <linux/seccomp.h>

#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "security/seccomp/naive_policy.h"
#include "testing/status_matchers.h"

namespace tiny::security {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

constexpr char kProfile[] = R"({
  "defaultAction": "SCMP_ACT_ERRNO",
  "defaultErrnoRet": 38,
  "archMap": [
    {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
    {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
    {"architecture": "SCMP_ARCH_S390X", "subArchitectures": null}
  ],
  "flags": ["SECCOMP_FILTER_FLAG_LOG"],
  "syscalls": [
    {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
    {"name": "exit", "action": "SCMP_ACT_ALLOW", "comment": "the old form"},
    {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"]},
     "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}]},
    {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
    {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "99.0"}},
    {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
    {"names": ["kcmp"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22},
    {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"},
              {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}
  ]
})";

ProfileContext Context(CapabilitySet capabilities, Arch native = Arch::kX86_64) {
  return {.capabilities = capabilities, .native = native, .kernel_major = 6, .kernel_minor = 1};
}

Action Decide(const Policy& policy, uint32_t number, uint64_t argument = 0) {
  const uint64_t arguments[6] = {argument};
  return DecideNaively(policy, Arch::kX86_64, number, arguments);
}

TEST(SeccompProfileTest, AnErrnoIsOnlyForActionsThatReturnOne) {
  EXPECT_EQ(*ParseAction("SCMP_ACT_ERRNO", 5), SECCOMP_RET_ERRNO | 5);
  EXPECT_EQ(*ParseAction("SCMP_ACT_TRACE", 5), SECCOMP_RET_TRACE | 5);
  EXPECT_THAT(ParseAction("SCMP_ACT_ALLOW", 5),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("takes no errno")));
}

TEST(SeccompProfileTest, ConditionsAreDecidedByTheContext) {
  ASSERT_OK_AND_ASSIGN(const Policy plain, ParseSeccompProfile(kProfile, Context({})));
  EXPECT_THAT(plain.architectures, ElementsAre(Arch::kX86_64, Arch::kI386));
  EXPECT_EQ(plain.flags, SECCOMP_FILTER_FLAG_LOG);
  EXPECT_EQ(plain.default_action, SECCOMP_RET_ERRNO | ENOSYS);
  EXPECT_EQ(Decide(plain, 0), SECCOMP_RET_ALLOW);             // read
  EXPECT_EQ(Decide(plain, 60), SECCOMP_RET_ALLOW);            // exit
  EXPECT_EQ(Decide(plain, 165), SECCOMP_RET_ERRNO | ENOSYS);  // mount
  EXPECT_EQ(Decide(plain, 56, SIGCHLD), SECCOMP_RET_ALLOW);   // clone
  EXPECT_EQ(Decide(plain, 56, 0x10000000), SECCOMP_RET_ERRNO | ENOSYS);
  EXPECT_EQ(Decide(plain, 101), SECCOMP_RET_ALLOW);           // ptrace
  EXPECT_EQ(Decide(plain, 321), SECCOMP_RET_ERRNO | ENOSYS);  // bpf
  EXPECT_EQ(Decide(plain, 158), SECCOMP_RET_ALLOW);           // arch_prctl
  EXPECT_EQ(Decide(plain, 312), SECCOMP_RET_ERRNO | EINVAL);  // kcmp
  EXPECT_EQ(Decide(plain, 135, 8), SECCOMP_RET_ALLOW);        // personality
  EXPECT_EQ(Decide(plain, 135, 9), SECCOMP_RET_ERRNO | ENOSYS);
  ExpectCompilesTo(plain);

  ASSERT_OK_AND_ASSIGN(const Policy admin,
                       ParseSeccompProfile(kProfile, Context(CapabilitySet{CAP_SYS_ADMIN})));
  EXPECT_EQ(Decide(admin, 165), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Decide(admin, 56, SIGCHLD), SECCOMP_RET_ERRNO | ENOSYS);

  ASSERT_OK_AND_ASSIGN(const Policy arm,
                       ParseSeccompProfile(kProfile, Context({}, Arch::kAarch64)));
  EXPECT_THAT(arm.architectures, ElementsAre(Arch::kAarch64, Arch::kArm));
}

TEST(SeccompProfileTest, ErrorsNameThePath) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "profile"},
      {"[]", "profile"},
      {"{", "profile"},
      {R"({})", "defaultAction"},
      {R"({"defaultAction": 3})", "defaultAction"},
      {R"({"defaultAction": "SCMP_ACT_DENY"})", "SCMP_ACT_DENY"},
      {R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": -1})", "defaultErrnoRet"},
      {R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 65536})", "defaultErrnoRet"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}})", "syscalls"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [1]})", "syscalls[0]"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["X"]})", "flags"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "X"}]})",
       "syscalls[0].action"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [1]}]})", "syscalls[0].names"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"],
          "action": "SCMP_ACT_LOG", "args": [{"index": 6, "op": "SCMP_CMP_EQ"}]}]})",
       "syscalls[0].args[0].index"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"],
          "action": "SCMP_ACT_LOG", "args": [{"index": 1, "op": "SCMP_CMP_XX"}]}]})",
       "syscalls[0].args[0].op"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"],
          "action": "SCMP_ACT_LOG", "includes": {"caps": 7}}]})",
       "syscalls[0].includes.caps"},
  };
  for (const auto& [json, path] : cases) {
    EXPECT_THAT(ParseSeccompProfile(json, Context({})),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path)))
        << json;
  }
}

TEST(SeccompProfileTest, NamesLeadThereAndBack) {
  for (const char* name :
       {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS",
        "SCMP_ACT_TRAP", "SCMP_ACT_TRACE", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY"}) {
    ASSERT_OK_AND_ASSIGN(const Action action, ParseAction(name, std::nullopt));
    EXPECT_EQ(ActionName(action), name);
  }
  ASSERT_OK_AND_ASSIGN(const Action kill, ParseAction("SCMP_ACT_KILL", std::nullopt));
  EXPECT_EQ(kill, SECCOMP_RET_KILL_THREAD);
  for (const char* name : {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ",
                           "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"}) {
    ASSERT_OK_AND_ASSIGN(const Comparison op, ParseComparison(name));
    EXPECT_EQ(ComparisonName(op), name);
  }
}

}  // namespace
}  // namespace tiny::security
