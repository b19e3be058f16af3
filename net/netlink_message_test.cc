#include "net/netlink_message.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "net/link.h"
#include "net/route.h"
#include "testing/status_matchers.h"

namespace tiny::net {
namespace {

using ::tiny::testing::StatusIs;

TEST(MessageBuilderTest, WritesNestedAttributesWithPaddingAndLengths) {
  MessageBuilder batch;
  batch.Begin(RTM_NEWLINK, NLM_F_CREATE, "test");
  batch.PutHeader(ifinfomsg{});
  batch.PutString(IFLA_IFNAME, "td0");
  {
    const auto info = batch.Nest(IFLA_LINKINFO);
    batch.PutString(IFLA_INFO_KIND, "bridge");
  }
  ASSERT_OK(batch.status());
  const absl::string_view bytes = batch.Finish(7);
  // nlmsghdr 16, ifinfomsg 16, IFNAME 8, LINKINFO 4 + KIND 11 padded to 12.
  ASSERT_EQ(bytes.size(), 16u + 16 + 8 + 4 + 12);
  MessageReader reader(bytes);
  const auto message = reader.Next();
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->header.nlmsg_len, bytes.size());
  EXPECT_EQ(message->header.nlmsg_seq, 7u);
  EXPECT_EQ(message->header.nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK);
  const auto link = ParseLink(*message);
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(link->name, "td0");
  EXPECT_EQ(link->kind, "bridge");
}

TEST(MessageBuilderTest, AsksForOneAcknowledgementOnly) {
  MessageBuilder batch;
  for (int i = 0; i < 3; ++i) batch.Begin(RTM_DELLINK, 0, "one");
  batch.BeginUnanswered(NLMSG_NOOP, 0, "end");
  MessageReader reader(batch.Finish(1));
  std::vector<bool> asked;
  while (const auto message = reader.Next()) {
    asked.push_back((message->header.nlmsg_flags & NLM_F_ACK) != 0);
  }
  EXPECT_EQ(asked, (std::vector<bool>{false, false, true, false}));
}

// CVE-2021-43784's class: a length that does not fit in 16 bits.
TEST(MessageBuilderTest, AnAttributeIsNeverTruncated) {
  constexpr size_t kMost = 65535 - NLA_HDRLEN;
  for (const size_t size : {kMost - 3, kMost, kMost + 1, size_t{65536}, size_t{131072}}) {
    MessageBuilder batch;
    batch.Begin(RTM_NEWLINK, 0, "test");
    batch.Put(IFLA_IFALIAS, std::string(size, 'x'));
    if (size <= kMost) {
      EXPECT_OK(batch.status()) << size;
    } else {
      EXPECT_THAT(batch.status(), StatusIs(absl::StatusCode::kInvalidArgument)) << size;
      EXPECT_EQ(batch.Finish(1).size(), 0u);
    }
  }
}

TEST(MessageBuilderTest, ANestIsNeverTruncated) {
  MessageBuilder batch;
  batch.Begin(RTM_NEWLINK, 0, "test");
  {
    const auto nest = batch.Nest(IFLA_LINKINFO);
    for (int i = 0; i < 2; ++i) batch.Put(IFLA_INFO_DATA, std::string(40000, 'x'));
  }
  EXPECT_THAT(batch.status(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(MessageBuilderTest, RefusesStringsWithANulAndAttributesWithoutAMessage) {
  MessageBuilder batch;
  batch.PutFlag(1);
  EXPECT_FALSE(batch.status().ok());
  batch.Clear();
  batch.Begin(RTM_NEWLINK, 0, "test");
  batch.PutString(IFLA_IFNAME, absl::string_view("a\0b", 3));
  EXPECT_FALSE(batch.status().ok());
}

TEST(AttributeReaderTest, StopsAtWhatIsMalformed) {
  for (const absl::string_view hex : {"0300", "03000100", "08000100aa", "ffff0100aabbccdd"}) {
    const std::string bytes = absl::HexStringToBytes(hex);
    AttributeReader reader(bytes);
    EXPECT_FALSE(reader.Next().has_value()) << hex;
    EXPECT_TRUE(reader.malformed()) << hex;
  }
}

TEST(AttributeReaderTest, TheLastAttributeNeedsNoPadding) {
  const std::string bytes = absl::HexStringToBytes("0500010061");
  AttributeReader reader(bytes);
  const auto attribute = reader.Next();
  ASSERT_TRUE(attribute.has_value());
  EXPECT_EQ(attribute->String(), "a");
  EXPECT_FALSE(reader.Next().has_value());
  EXPECT_FALSE(reader.malformed());
}

// The answer to an RTM_NEWROUTE with an unreachable gateway, byte for byte as the kernel lays it
// out.
TEST(AcknowledgementTest, HasTheErrnoAndTheKernelsText) {
  const std::string bytes = absl::HexStringToBytes(
      "4c000000020000030500000034120000"  // nlmsghdr: NLMSG_ERROR, CAPPED | ACK_TLVS
      "9bffffff"                          // -ENETUNREACH
      "2c000000180005060500000034120000"  // the request's header
      "28000100"                          // NLMSGERR_ATTR_MSG
      "4e657874686f702068617320696e76616c69642067617465776179000000000000000000");
  MessageReader reader(bytes);
  const auto message = reader.Next();
  ASSERT_TRUE(message.has_value());
  const auto answer = ParseAcknowledgement(*message);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error_number, ENETUNREACH);
  EXPECT_EQ(answer->text, "Nexthop has invalid gateway");
}

// RTM_NEWADDR of 127.0.0.1/8 on lo, with an attribute that is not known.
TEST(AddressTest, ParsesAMessage) {
  const std::string bytes = absl::HexStringToBytes(
      "44000000140002000100000001000000"  // nlmsghdr
      "0208800001000000"                  // ifaddrmsg: AF_INET, /8, permanent, link 1
      "080001007f000001"                  // IFA_ADDRESS
      "080002007f000001"                  // IFA_LOCAL
      "070003006c6f0000"                  // IFA_LABEL
      "0800080080000000"                  // IFA_FLAGS
      "0c00090000000000"                  // IFA_RT_PRIORITY, longer than it need be
      "00000000");
  MessageReader reader(bytes);
  const auto message = reader.Next();
  ASSERT_TRUE(message.has_value());
  const auto address = ParseAddress(*message);
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->prefix.ToString(), "127.0.0.1/8");
  EXPECT_EQ(address->link, 1);
  // Any shorter message is refused or read without its end, but never beyond it.
  for (size_t size = 0; size < bytes.size(); ++size) {
    MessageReader cut(absl::string_view(bytes).substr(0, size));
    EXPECT_FALSE(cut.Next().has_value());
  }
}

}  // namespace
}  // namespace tiny::net
