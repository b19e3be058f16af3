#include "security/capabilities.h"

#include <linux/capability.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::security {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

TEST(CapabilityNameTest, EveryNumberHasANameThatLeadsBack) {
  for (int i = 0; i <= kLastKnownCapability; ++i) {
    ASSERT_OK_AND_ASSIGN(const int number, CapabilityFromName(CapabilityName(i)));
    EXPECT_EQ(number, i);
  }
  EXPECT_EQ(CapabilityName(CAP_CHECKPOINT_RESTORE), "CAP_CHECKPOINT_RESTORE");
  EXPECT_EQ(CapabilityName(CAP_SYS_CHROOT), "CAP_SYS_CHROOT");
  EXPECT_EQ(CapabilityName(41), "CAP_41");
}

TEST(CapabilityNameTest, PrefixAndCaseDoNotMatter) {
  for (const char* name : {"NET_RAW", "net_raw", "CAP_NET_RAW", "cap_net_raw", "Cap_Net_Raw"}) {
    ASSERT_OK_AND_ASSIGN(const int number, CapabilityFromName(name));
    EXPECT_EQ(number, CAP_NET_RAW) << name;
  }
  for (const char* name : {"", "NET", "CAP_", "CAP_CAP_NET_RAW", "NET_RAW ", "41"}) {
    EXPECT_THAT(CapabilityFromName(name), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
}

TEST(CapabilitySetTest, DefaultIsDockers) {
  EXPECT_EQ(kDefaultCapabilities.bits, 0xa80425fbu);
  EXPECT_EQ(kAllCapabilities.bits, 0x1ffffffffffu);
}

CapabilitySet Resolve(std::vector<std::string> add, std::vector<std::string> drop,
                      bool privileged = false, CapabilitySet available = kAllCapabilities) {
  const absl::StatusOr<CapabilitySet> set = ResolveCapabilities(
      {.add = add, .drop = drop, .privileged = privileged, .available = available});
  EXPECT_OK(set);
  return set.value_or(CapabilitySet(0xdead));
}

TEST(ResolveCapabilitiesTest, DockersRules) {
  EXPECT_EQ(Resolve({}, {}), kDefaultCapabilities);
  EXPECT_EQ(Resolve({"NET_ADMIN"}, {}), (kDefaultCapabilities | CapabilitySet{CAP_NET_ADMIN}));
  EXPECT_EQ(Resolve({}, {"cap_mknod"}), (kDefaultCapabilities - CapabilitySet{CAP_MKNOD}));
  EXPECT_EQ(Resolve({}, {"all"}), CapabilitySet());
  EXPECT_EQ(Resolve({"CHOWN"}, {"ALL"}), CapabilitySet{CAP_CHOWN});
  EXPECT_EQ(Resolve({"ALL"}, {}), kAllCapabilities);
  EXPECT_EQ(Resolve({"ALL"}, {"SYS_ADMIN"}), (kAllCapabilities - CapabilitySet{CAP_SYS_ADMIN}));
  EXPECT_EQ(Resolve({"ALL"}, {"ALL"}), kAllCapabilities);
  EXPECT_EQ(Resolve({"CHOWN"}, {"CHOWN"}), kDefaultCapabilities);
  EXPECT_EQ(Resolve({}, {"ALL"}, /*privileged=*/true), kAllCapabilities);
}

TEST(ResolveCapabilitiesTest, GivesNothingThatItLacks) {
  const CapabilitySet available = kAllCapabilities - CapabilitySet{CAP_SYS_RESOURCE, CAP_MKNOD};
  EXPECT_EQ(Resolve({}, {}, true, available), available);
  EXPECT_EQ(Resolve({}, {}, false, available), (kDefaultCapabilities - CapabilitySet{CAP_MKNOD}));
  EXPECT_THAT(ResolveCapabilities({.add = {"SYS_RESOURCE"}, .drop = {}, .available = available}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("CAP_SYS_RESOURCE")));
}

TEST(ResolveCapabilitiesTest, NamesWhatItDoesNotKnow) {
  EXPECT_THAT(ResolveCapabilities({.add = {"NET_ADMIM"}, .drop = {}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NET_ADMIM")));
  // Even where the answer would not depend on it.
  EXPECT_THAT(ResolveCapabilities({.add = {}, .drop = {"ALL", "NOPE"}, .privileged = true}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NOPE")));
}

TEST(LastCapabilityTest, IsWhatTheKernelSays) {
  const int last = LastCapability();
  EXPECT_GE(last, CAP_AUDIT_READ);
  EXPECT_EQ((AvailableCapabilities().bits >> (last + 1)), 0u);
}

}  // namespace
}  // namespace tiny::security
