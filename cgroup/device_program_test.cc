#include "cgroup/device_program.h"

#include <array>

#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cgroup {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

constexpr uint32_t kRead = BPF_DEVCG_ACC_READ;
constexpr uint32_t kWrite = BPF_DEVCG_ACC_WRITE;
constexpr uint32_t kMknod = BPF_DEVCG_ACC_MKNOD;

// Runs the program as the kernel would, for the instructions that it is made of; any other, and a
// jump or a fall out of it, is a failure.
uint64_t Run(const std::vector<bpf_insn>& program, const bpf_cgroup_dev_ctx& context) {
  std::array<uint64_t, 11> r = {};
  const uint32_t words[] = {context.access_type, context.major, context.minor};
  for (size_t pc = 0; pc < program.size(); ++pc) {
    const bpf_insn& i = program[pc];
    uint64_t& dst = r[i.dst_reg];
    const auto low = static_cast<uint32_t>(dst);
    const auto value = static_cast<uint32_t>(i.imm);
    switch (i.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        EXPECT_EQ(i.src_reg, BPF_REG_1);
        dst = words[i.off / 4];
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        dst = static_cast<uint64_t>(int64_t{i.imm});
        break;
      case BPF_ALU64 | BPF_MOV | BPF_X:
        dst = r[i.src_reg];
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        dst = low & value;
        break;
      case BPF_ALU | BPF_OR | BPF_X:
        dst = low | static_cast<uint32_t>(r[i.src_reg]);
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        dst = low >> value;
        break;
      case BPF_ALU | BPF_LSH | BPF_K:
        dst = low << value;
        break;
      case BPF_JMP32 | BPF_JNE | BPF_K:
        if (low != value) pc += static_cast<size_t>(i.off);
        break;
      case BPF_JMP32 | BPF_JEQ | BPF_K:
        if (low == value) pc += static_cast<size_t>(i.off);
        break;
      case BPF_JMP | BPF_EXIT:
        return r[0];
      default:
        ADD_FAILURE() << "unknown instruction " << int{i.code} << " at " << pc;
        return 99;
    }
  }
  ADD_FAILURE() << "the program has no end";
  return 99;
}

bool Allows(const std::vector<DeviceRule>& rules, char type, uint32_t major, uint32_t minor,
            uint32_t access) {
  const auto program = CompileDeviceProgram(rules);
  EXPECT_OK(program);
  if (!program.ok()) return false;
  const uint32_t kind = type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
  return Run(*program, {(access << 16) | kind, major, minor}) == 1;
}

TEST(CompileDeviceProgramTest, NothingIsAllowedByDefault) {
  EXPECT_FALSE(Allows({}, 'c', 1, 3, kRead));
  EXPECT_FALSE(Allows({{true, 'c', 1, 5, "r"}}, 'c', 1, 3, kRead));
}

TEST(CompileDeviceProgramTest, MatchesTypeMajorAndMinor) {
  const std::vector<DeviceRule> rules = {{true, 'c', 10, 200, "rw"}, {true, 'b', 8, {}, ""}};
  EXPECT_TRUE(Allows(rules, 'c', 10, 200, kRead | kWrite));
  EXPECT_FALSE(Allows(rules, 'b', 10, 200, kRead));
  EXPECT_FALSE(Allows(rules, 'c', 10, 201, kRead));
  EXPECT_FALSE(Allows(rules, 'c', 11, 200, kRead));
  EXPECT_FALSE(Allows(rules, 'c', 10, 200, kMknod));
  EXPECT_TRUE(Allows(rules, 'b', 8, 0, kRead | kWrite | kMknod));
  EXPECT_TRUE(Allows(rules, 'b', 8, 0xfffff, kRead));
}

TEST(CompileDeviceProgramTest, TheLastMatchingRuleDecidesForEachAccess) {
  const std::vector<DeviceRule> rules = {
      {true, 'a', {}, {}, "rwm"}, {false, 'c', 1, {}, "w"}, {true, 'c', 1, 3, "w"}};
  EXPECT_TRUE(Allows(rules, 'b', 8, 0, kWrite));
  EXPECT_TRUE(Allows(rules, 'c', 1, 5, kRead | kMknod));
  EXPECT_FALSE(Allows(rules, 'c', 1, 5, kWrite));
  EXPECT_FALSE(Allows(rules, 'c', 1, 5, kRead | kWrite));
  EXPECT_TRUE(Allows(rules, 'c', 1, 3, kRead | kWrite));
}

TEST(CompileDeviceProgramTest, AccessOfSeveralRulesAddsUp) {
  const std::vector<DeviceRule> rules = {{true, 'c', 1, 3, "r"}, {true, 'c', 1, 3, "w"}};
  EXPECT_TRUE(Allows(rules, 'c', 1, 3, kRead | kWrite));
  EXPECT_FALSE(Allows(rules, 'c', 1, 3, kRead | kWrite | kMknod));
}

TEST(CompileDeviceProgramTest, ARuleForEverythingMakesEarlierOnesVain) {
  const std::vector<DeviceRule> rules = {{true, 'c', 1, 3, ""}, {false, 'a', {}, {}, ""}};
  EXPECT_FALSE(Allows(rules, 'c', 1, 3, kRead));
  const auto alone = CompileDeviceProgram({rules[1]});
  const auto both = CompileDeviceProgram(rules);
  EXPECT_EQ(alone->size(), both->size());
}

TEST(CompileDeviceProgramTest, ManyAllowedDevicesAreOneComparisonEach) {
  std::vector<DeviceRule> rules = {
      {false, 'a', {}, {}, ""}, {true, 'c', 136, {}, "rwm"}, {true, 'b', 8, 1, "rwm"}};
  const size_t before = CompileDeviceProgram(rules)->size();
  for (uint32_t minor = 3; minor < 10; ++minor) rules.push_back({true, 'c', 1, minor, "rwm"});
  // The comparisons, and of their type's the first.
  EXPECT_LE(CompileDeviceProgram(rules)->size(), before + 7 + 3);
  EXPECT_TRUE(Allows(rules, 'c', 1, 3, kRead | kWrite | kMknod));
  EXPECT_TRUE(Allows(rules, 'c', 1, 9, kMknod));
  EXPECT_TRUE(Allows(rules, 'c', 136, 0xfffff, kRead));
  EXPECT_TRUE(Allows(rules, 'b', 8, 1, kWrite));
  EXPECT_FALSE(Allows(rules, 'b', 1, 3, kRead));
  EXPECT_FALSE(Allows(rules, 'c', 8, 1, kRead));
  EXPECT_FALSE(Allows(rules, 'c', 1, 10, kRead));
  EXPECT_FALSE(Allows(rules, 'c', 2, 3, kRead));
}

TEST(CompileDeviceProgramTest, ARuleBetweenAllowedDevicesKeepsItsPlace) {
  const std::vector<DeviceRule> rules = {{true, 'c', 1, 3, "rwm"},
                                         {true, 'c', 1, 5, "rwm"},
                                         {false, 'c', 1, {}, "w"},
                                         {true, 'c', 1, 5, "rwm"}};
  EXPECT_TRUE(Allows(rules, 'c', 1, 5, kWrite));
  EXPECT_FALSE(Allows(rules, 'c', 1, 3, kWrite));
  EXPECT_TRUE(Allows(rules, 'c', 1, 3, kRead));
}

TEST(CompileDeviceProgramTest, NumbersThatNoDeviceHasMatchNone) {
  EXPECT_FALSE(Allows({{true, 'c', 0x1000, 3, "rwm"}}, 'c', 0, 3, kRead));
  EXPECT_FALSE(Allows({{true, 'c', 1, 0x100003, "rwm"}}, 'c', 1, 3, kRead));
}

TEST(CompileDeviceProgramTest, BadRules) {
  EXPECT_THAT(CompileDeviceProgram({{true, 'c', 1, 3, "rx"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("rx")));
  EXPECT_THAT(CompileDeviceProgram({{true, 'u', 1, 3, "r"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"u\"")));
}

}  // namespace
}  // namespace tiny::cgroup
