// The legacy iptables against the kernel, in a network namespace of the test's own.
#include <sched.h>

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/legacy_iptables.h"
#include "net/legacy_iptables_test_util.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::net {
namespace {

using ::testing::ElementsAre;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;

TEST(LegacyIptablesTest, ReadsThePolicyAndWhatPasses) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  RunIsolated(CLONE_NEWNET, [] {
    // Looking makes no table.
    ASSERT_OK_AND_ASSIGN(auto filter, ReadLegacyFilter());
    EXPECT_FALSE(filter.has_value());
    EXPECT_EQ(ReadFile("/proc/thread-self/net/ip_tables_names").value_or(""), "");
    ASSERT_TRUE(DropForwardBut({}));
    ASSERT_OK_AND_ASSIGN(filter, ReadLegacyFilter());
    ASSERT_TRUE(filter.has_value());
    EXPECT_TRUE(filter->forward_drops);
    EXPECT_THAT(filter->accepts_from, ElementsAre());
    ASSERT_TRUE(DropForwardBut({"td0"}));
    ASSERT_OK_AND_ASSIGN(filter, ReadLegacyFilter());
    ASSERT_TRUE(filter.has_value());
    EXPECT_TRUE(filter->forward_drops);
    EXPECT_THAT(filter->accepts_from, ElementsAre("td0"));
    EXPECT_THAT(filter->accepts_to, ElementsAre("td0"));
  });
}

TEST(LegacyIptablesTest, WhatIsMalformedIsNoTable) {
  EXPECT_FALSE(ParseLegacyFilter("", "").has_value());
  EXPECT_FALSE(ParseLegacyFilter(std::string(84, '\0'), std::string(112, '\0')).has_value());
  EXPECT_FALSE(ParseLegacyFilter(std::string(84, '\0'), std::string(50, '\xff')).has_value());
}

}  // namespace
}  // namespace tiny::net
