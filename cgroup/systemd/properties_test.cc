#include "cgroup/systemd/properties.h"

#include <limits>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::systemd {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kInfinity = std::numeric_limits<uint64_t>::max();

Property Number(const char* name, uint64_t value) { return {name, value}; }

TEST(PropertiesOfLimitsTest, Version2) {
  cgroup::Resources limits;
  limits.memory_limit = 1000;
  limits.memory_swap = 1500;
  limits.memory_reservation = 700;
  limits.cpu_shares = 1024;
  limits.cpu_quota = 50000;
  limits.cpu_period = 200000;
  limits.pids_limit = -1;
  limits.io_weight = 1000;
  limits.cpuset_cpus = "0-2,9";
  limits.unified["memory.high"] = "max";
  ASSERT_OK_AND_ASSIGN(const std::vector<Property> properties,
                       PropertiesOfLimits(limits, cgroup::Version::kV2));
  EXPECT_THAT(properties,
              UnorderedElementsAre(Number("MemoryMax", 1000), Number("MemorySwapMax", 500),
                                   Number("MemoryLow", 700), Number("CPUWeight", 100),
                                   Number("CPUQuotaPeriodUSec", 200000),
                                   Number("CPUQuotaPerSecUSec", 250000),
                                   Number("TasksMax", kInfinity), Number("IOWeight", 10000),
                                   Property{"AllowedCPUs", CpuMask{std::string("\x07\x02", 2)}},
                                   Number("MemoryHigh", kInfinity)));
}

TEST(PropertiesOfLimitsTest, Version1HasOtherNames) {
  cgroup::Resources limits;
  limits.memory_limit = 1000;
  limits.memory_swap = 1500;
  limits.cpu_shares = 512;
  limits.io_weight = 100;
  ASSERT_OK_AND_ASSIGN(const std::vector<Property> properties,
                       PropertiesOfLimits(limits, cgroup::Version::kV1));
  EXPECT_THAT(properties,
              UnorderedElementsAre(Number("MemoryLimit", 1000), Number("CPUShares", 512),
                                   Number("BlockIOWeight", 100)));
}

// systemd counts quotas in whole percents: rounded up, as less would be less than was asked for.
TEST(PropertiesOfLimitsTest, QuotasAreRoundedUp) {
  cgroup::Resources limits;
  limits.cpu_quota = 33333;
  ASSERT_OK_AND_ASSIGN(const std::vector<Property> properties,
                       PropertiesOfLimits(limits, cgroup::Version::kV2));
  EXPECT_THAT(properties, UnorderedElementsAre(Number("CPUQuotaPeriodUSec", 100000),
                                               Number("CPUQuotaPerSecUSec", 340000)));
  limits.cpu_quota = -1;
  EXPECT_EQ(PropertiesOfLimits(limits, cgroup::Version::kV2)->back(),
            Number("CPUQuotaPerSecUSec", kInfinity));
}

TEST(PropertiesOfLimitsTest, WhatIsNoneIsNamed) {
  cgroup::Resources limits;
  limits.unified["memory.max"] = "lots";
  EXPECT_THAT(PropertiesOfLimits(limits, cgroup::Version::kV2).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("memory.max: \"lots\"")));
  limits.unified.clear();
  limits.cpuset_cpus = "3-1";
  EXPECT_THAT(PropertiesOfLimits(limits, cgroup::Version::kV2).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ParsePropertyTest, ValuesOfEachType) {
  EXPECT_EQ(ParseProperty("CollectMode", "'inactive-or-failed'")->value,
            Value(std::string("inactive-or-failed")));
  EXPECT_EQ(ParseProperty("SendSIGHUP", "true")->value, Value(true));
  EXPECT_EQ(ParseProperty("TimeoutStopUSec", "uint64 123")->value, Value(uint64_t{123}));
  EXPECT_EQ(ParseProperty("KillSignal", "-1")->value, Value(int32_t{-1}));
  EXPECT_EQ(ParseProperty("After", "['a.service', \"b.service\"]")->value,
            Value(std::vector<std::string>{"a.service", "b.service"}));
  EXPECT_EQ(*ParseProperty("TimeoutStopSec", "5"), Number("TimeoutStopUSec", 5000000));
}

TEST(ParsePropertyTest, WhatIsNoValueIsRefused) {
  for (const char* text : {"", "'open", "[a]", "uint64 -1", "uint32 5000000000", "word", "'a'b'"}) {
    EXPECT_THAT(ParseProperty("Name", text).status(), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
  EXPECT_FALSE(ParseProperty("a b", "1").ok());
  EXPECT_FALSE(ParseProperty("TimeoutStopSec", "'x'").ok());
  EXPECT_FALSE(ParseProperty("TimeoutStopSec", "-1").ok());
}

TEST(PutPropertiesTest, AreStructsOfNameAndVariant) {
  dbus::Body body;
  PutProperties({{"PIDs", std::vector<uint32_t>{9}}}, body);
  EXPECT_EQ(body.signature(), "a(sv)");
  EXPECT_EQ(absl::BytesToHexString(body.bytes()),
            "1800000000000000"  // an array of 24 bytes
            "0400000050494473"
            "00"  // "PIDs"
            "02617500"
            "000000"  // "au", and padding to 4
            "0400000009000000");
}

}  // namespace
}  // namespace tiny::systemd
