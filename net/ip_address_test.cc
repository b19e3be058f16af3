#include "net/ip_address.h"

#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::net {
namespace {

TEST(IpAddressTest, ParsesAndPrints) {
  for (const char* text : {"0.0.0.0", "10.10.0.2", "255.255.255.255", "::", "::1", "fd00::1",
                           "2001:db8::ff00:42:8329"}) {
    ASSERT_OK_AND_ASSIGN(const IpAddress address, ParseIpAddress(text));
    EXPECT_EQ(address.ToString(), text);
  }
  for (const char* text :
       {"", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", ":::", "fe80::1%0", "10.0.0.1/8"}) {
    EXPECT_FALSE(ParseIpAddress(text).ok()) << text;
  }
}

TEST(IpAddressTest, Counts) {
  EXPECT_EQ(ParseIpAddress("10.0.0.255")->Plus(1).ToString(), "10.0.1.0");
  EXPECT_EQ(ParseIpAddress("10.0.0.0")->Plus(65536).ToString(), "10.1.0.0");
  EXPECT_EQ(ParseIpAddress("255.255.255.255")->Plus(1).ToString(), "0.0.0.0");
  EXPECT_EQ(ParseIpAddress("fd00::ffff:ffff")->Plus(1).ToString(), "fd00::1:0:0");
  EXPECT_EQ(ParseIpAddress("::")->Plus(~uint64_t{0}).ToString(), "::ffff:ffff:ffff:ffff");
}

TEST(IpPrefixTest, HasARange) {
  ASSERT_OK_AND_ASSIGN(const IpPrefix prefix, ParseIpPrefix("10.10.3.7/22"));
  EXPECT_EQ(prefix.First().ToString(), "10.10.0.0");
  EXPECT_EQ(prefix.Last().ToString(), "10.10.3.255");
  EXPECT_EQ(prefix.At(2).ToString(), "10.10.0.2");
  EXPECT_EQ(prefix.Size(), 1024u);
  EXPECT_TRUE(prefix.Contains(*ParseIpAddress("10.10.2.1")));
  EXPECT_FALSE(prefix.Contains(*ParseIpAddress("10.10.4.0")));
  EXPECT_FALSE(prefix.Contains(*ParseIpAddress("::1")));
  EXPECT_TRUE(prefix.Overlaps(*ParseIpPrefix("10.0.0.0/8")));
  EXPECT_TRUE(prefix.Overlaps(*ParseIpPrefix("10.10.3.0/24")));
  EXPECT_FALSE(prefix.Overlaps(*ParseIpPrefix("10.10.4.0/24")));
  EXPECT_EQ(ParseIpPrefix("0.0.0.0/0")->Last().ToString(), "255.255.255.255");
  EXPECT_EQ(ParseIpPrefix("fd00::/127")->Last().ToString(), "fd00::1");
  for (const char* text :
       {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "/8"}) {
    EXPECT_FALSE(ParseIpPrefix(text).ok()) << text;
  }
}

TEST(MacAddressTest, ParsesAndPrints) {
  EXPECT_EQ(FormatMacAddress(*ParseMacAddress("02:42:0A:0a:00:02")), "02:42:0a:0a:00:02");
  for (const char* text : {"", "02:42:0a:0a:00", "02:42:0a:0a:00:0g", "02-42-0a-0a-00-02",
                           "01:00:5e:00:00:01", "02:42:0a:0a:00:02:"}) {
    EXPECT_FALSE(ParseMacAddress(text).ok()) << text;
  }
}

}  // namespace
}  // namespace tiny::net
