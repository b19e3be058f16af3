#include "oci/cli/known_seccomp.h"

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::oci {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::tiny::testing::StatusIs;

constexpr char kProfile[] = R"({
  "defaultAction": "SCMP_ACT_ERRNO", "flags": ["SECCOMP_FILTER_FLAG_LOG"],
  "architectures": ["SCMP_ARCH_X86_64"],
  "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}]
})";

std::string Config(absl::string_view profile) {
  return absl::StrCat(R"({"ociVersion": "1.0.2", "root": {"path": "r"}, "annotations": {"k": "v"},
    "process": {"cwd": "/", "args": ["a"]}, "linux": {"seccomp": )",
                      profile, R"(, "cgroupsPath": "/x"}})");
}

class KnownSeccompTest : public ::testing::Test {
 protected:
  static absl::StatusOr<Spec> Parse(const Globals& globals, const std::string& config) {
    return ParseConfig(globals, config, GlanceAt(config));
  }

  tiny::testing::TempDir temp_;
  const Globals globals_ = {.root = temp_.Path("root")};
};

TEST_F(KnownSeccompTest, ASecondUseIsNotParsed) {
  ASSERT_OK_AND_ASSIGN(const Spec first, Parse(globals_, Config(kProfile)));
  ASSERT_OK_AND_ASSIGN(const Spec second, Parse(globals_, Config(kProfile)));
  EXPECT_THAT(first.linux_.seccomp->syscalls, SizeIs(1));
  EXPECT_THAT(second.linux_.seccomp->syscalls, IsEmpty());
  EXPECT_EQ(second.annotations.at("k"), "v");
  EXPECT_EQ(second.linux_.cgroups_path, "/x");
  const auto& compiled = first.linux_.seccomp->program;
  const auto& found = second.linux_.seccomp->program;
  ASSERT_THAT(compiled, Not(IsEmpty()));
  ASSERT_EQ(found.size(), compiled.size());
  EXPECT_EQ(std::memcmp(found.data(), compiled.data(), found.size() * sizeof(found[0])), 0);
  EXPECT_NE(first.linux_.seccomp->program_flags, 0u);
  EXPECT_EQ(second.linux_.seccomp->program_flags, first.linux_.seccomp->program_flags);
}

TEST_F(KnownSeccompTest, AnotherProfileIsAnotherProgram) {
  ASSERT_OK(Parse(globals_, Config(kProfile)).status());
  const std::string other = absl::StrReplaceAll(kProfile, {{"write", "close"}});
  ASSERT_OK_AND_ASSIGN(const Spec spec, Parse(globals_, Config(other)));
  EXPECT_EQ(spec.linux_.seccomp->syscalls[0].names[1], "close");
}

TEST_F(KnownSeccompTest, WhatIsWrongIsToldEachTime) {
  const std::string wrong = absl::StrReplaceAll(kProfile, {{"SCMP_ACT_ALLOW", "SCMP_ACT_NO"}});
  for (int use = 0; use < 2; ++use) {
    EXPECT_THAT(Parse(globals_, Config(wrong)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("linux.seccomp.syscalls")));
  }
  // Beside a known profile, too, and on the line where it is.
  ASSERT_OK(Parse(globals_, Config(kProfile)).status());
  const std::string config = absl::StrReplaceAll(Config(kProfile), {{"\"/x\"", "7"}});
  EXPECT_THAT(Parse(globals_, config),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("linux.cgroupsPath")));
  EXPECT_THAT(Parse(globals_, absl::StrCat(Config(kProfile), "}")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 6")));
}

TEST_F(KnownSeccompTest, OneWithAnAgentIsLeftAsItIs) {
  const std::string agent =
      absl::StrReplaceAll(kProfile, {{"\"flags\"", "\"listenerPath\": \"/l\", \"flags\""}});
  for (int use = 0; use < 2; ++use) {
    ASSERT_OK_AND_ASSIGN(const Spec spec, Parse(globals_, Config(agent)));
    EXPECT_EQ(spec.linux_.seccomp->listener_path, "/l");
    EXPECT_THAT(spec.linux_.seccomp->program, IsEmpty());
  }
}

TEST_F(KnownSeccompTest, OfTwoProfilesTheLastOneCounts) {
  ASSERT_OK(Parse(globals_, Config(kProfile)).status());
  const std::string two =
      absl::StrCat(kProfile, R"(, "seccomp": {"defaultAction": "SCMP_ACT_LOG"})");
  ASSERT_OK_AND_ASSIGN(const Spec spec, Parse(globals_, Config(two)));
  EXPECT_EQ(spec.linux_.seccomp->default_action, "SCMP_ACT_LOG");
  ASSERT_OK_AND_ASSIGN(const Spec none, Parse(globals_, Config("null")));
  EXPECT_FALSE(none.linux_.seccomp.has_value());
}

}  // namespace
}  // namespace tiny::oci
