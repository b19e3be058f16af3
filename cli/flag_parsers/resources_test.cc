#include "cli/flag_parsers/resources.h"

#include <cstdint>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

TEST(CpusTest, Numbers) {
  EXPECT_EQ(*ParseCpus("0.5"), 500000000);
  EXPECT_EQ(*ParseCpus("2"), 2000000000);
  EXPECT_EQ(*ParseCpus("0"), 0);
  EXPECT_EQ(*ParseCpus(".25"), 250000000);
  for (const char* text : {"", "-1", "1e3", "nan", "inf", "two", "1.2.3", "99999999999", "1 "}) {
    EXPECT_FALSE(ParseCpus(text).ok()) << text;
  }
}

TEST(BytesTest, Unlimited) {
  EXPECT_EQ(*ParseBytesOrUnlimited("-1"), -1);
  EXPECT_EQ(*ParseBytesOrUnlimited("1g"), int64_t{1} << 30);
  for (const char* text : {"", "-2", "1x", "99999999999999999999g"}) {
    EXPECT_FALSE(ParseBytesOrUnlimited(text).ok()) << text;
  }
}

TEST(CpuListTest, Lists) {
  EXPECT_EQ(*ParseCpuList("0-3,7", "0-7"), "0-3,7");
  EXPECT_EQ(*ParseCpuList("1,4", "0-1,4"), "1,4");
  EXPECT_THAT(ParseCpuList("0-3", "0-1,3"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("there is no 2: this machine has 0-1,3")));
  EXPECT_FALSE(ParseCpuList("0-4294967295", "0-1").ok());
  for (const char* text : {"", "a", "3-1", "0-", "0,,1", "-1", "0-1-2"}) {
    EXPECT_FALSE(ParseCpuList(text, "0-7").ok()) << text;
  }
}

TEST(NumberTest, Bounds) {
  EXPECT_EQ(*ParseNumber("-1", -1, 10), -1);
  for (const char* text : {"", "11", "-2", "1.5", "x", "99999999999999999999"}) {
    EXPECT_FALSE(ParseNumber(text, -1, 10).ok()) << text;
  }
}

TEST(UlimitTest, Forms) {
  ASSERT_OK_AND_ASSIGN(state::UlimitConfig limit, ParseUlimit("nofile=1024:2048"));
  EXPECT_EQ(limit.soft, 1024);
  EXPECT_EQ(limit.hard, 2048);
  ASSERT_OK_AND_ASSIGN(limit, ParseUlimit("core=unlimited"));
  EXPECT_EQ(limit.soft, -1);
  EXPECT_EQ(limit.hard, -1);
  ASSERT_OK_AND_ASSIGN(limit, ParseUlimit("nproc=5:-1"));
  EXPECT_EQ(limit.hard, -1);
  for (const char* text : {"", "nofile", "files=1", "nofile=", "nofile=2:1", "nofile=-2",
                           "nofile=1:2:3", "nofile=-1:5", "nofile=1k"}) {
    EXPECT_FALSE(ParseUlimit(text).ok()) << text;
  }
}

TEST(DeviceTest, Forms) {
  ASSERT_OK_AND_ASSIGN(state::DeviceConfig device, ParseDevice("/dev/fuse"));
  EXPECT_EQ(device.path_in_container, "/dev/fuse");
  EXPECT_EQ(device.permissions, "rwm");
  ASSERT_OK_AND_ASSIGN(device, ParseDevice("/dev/sda:r"));
  EXPECT_EQ(device.path_in_container, "/dev/sda");
  EXPECT_EQ(device.permissions, "r");
  ASSERT_OK_AND_ASSIGN(device, ParseDevice("/dev/sda:/dev/xvda:rw"));
  EXPECT_EQ(device.path_in_container, "/dev/xvda");
  for (const char* text :
       {"", "sda", "/dev/sda:x", "/dev/sda:/dev/b:q", "vendor/class=gpu", "/dev/a:/dev/b:r:w"}) {
    EXPECT_FALSE(ParseDevice(text).ok()) << text;
  }
}

TEST(DeviceRateTest, Forms) {
  EXPECT_EQ(ParseDeviceBytes("/dev/sda:1mb")->rate, uint64_t{1} << 20);
  EXPECT_EQ(ParseDeviceOperations("/dev/sda:1000")->rate, 1000u);
  for (const char* text : {"", "/dev/sda", "sda:1", "/dev/sda:-1", "/dev/sda:"}) {
    EXPECT_FALSE(ParseDeviceBytes(text).ok()) << text;
    EXPECT_FALSE(ParseDeviceOperations(text).ok()) << text;
  }
}

TEST(DeviceRuleTest, Forms) {
  EXPECT_OK(ParseDeviceCgroupRule("c 42:* rmw"));
  EXPECT_OK(ParseDeviceCgroupRule("a *:* rwm"));
  for (const char* text : {"", "c 42:*", "x 1:1 r", "c 1 r", "c 1:1 q", "c 1:b r"}) {
    EXPECT_FALSE(ParseDeviceCgroupRule(text).ok()) << text;
  }
}

TEST(SysctlTest, Names) {
  EXPECT_OK(CheckSysctlName("net.core.somaxconn"));
  for (const char* text : {"", "net", "net..core", "../etc", "net.core x"}) {
    EXPECT_FALSE(CheckSysctlName(text).ok()) << text;
  }
}

}  // namespace
}  // namespace tiny::cli
