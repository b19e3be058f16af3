#include "cgroup/dbus/message.h"

#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::dbus {
namespace {

using testing::StatusIs;

// As dbus-send would write it: the header's fields each begin at a multiple of eight.
TEST(MessageTest, IsLaidOutAsTheSpecificationSays) {
  Body body;
  body.PutString("ab");
  body.PutBool(true);
  const std::string bytes = Encode({.serial = 5, .path = "/a", .member = "M", .body = body});
  EXPECT_EQ(absl::BytesToHexString(bytes),
            "6c010001"  // little-endian, method call, no flags, version 1
            "0c000000"  // the body's length
            "05000000"  // the serial
            "28000000"  // the fields' length
            "01016f00"
            "020000002f6100"
            "00"  // the path, and padding to 8
            "00000000"
            "03017300"
            "010000004d00"
            "0000"  // the member
            "00000000"
            "08016700"
            "02736200"  // the signature "sb" ends the fields, at a multiple of eight
            "02000000616200"
            "00"
            "01000000");
}

TEST(MessageTest, ContainersAreAlignedAndCounted) {
  Body body;
  const size_t array = body.BeginArray("(sv)");
  body.BeginStruct();
  body.PutString("N");
  body.BeginVariant("t");
  body.PutUint64(7);
  body.EndVariant();
  body.EndArray(array);
  body.EndArray(body.BeginArray("(sa(sv))"));
  EXPECT_EQ(body.signature(), "a(sv)a(sa(sv))");
  EXPECT_EQ(absl::BytesToHexString(body.bytes()),
            "18000000"  // 24 bytes follow the padding
            "00000000"
            "01000000"
            "4e00"            // "N"
            "017400"          // the signature "t"
            "00000000000000"  // to the next multiple of eight
            "0700000000000000"
            "00000000"
            "00000000");  // an empty array has its padding, too
}

TEST(MessageTest, ReadsBackWhatItWrites) {
  Body body;
  body.PutUint32(42);
  body.PutString("/org/job/1");
  const std::string bytes = Encode({.type = MessageType::kSignal,
                                    .serial = 9,
                                    .reply_serial = 3,
                                    .path = "/p",
                                    .interface = "i.f",
                                    .member = "JobRemoved",
                                    .sender = ":1.2",
                                    .body = body});
  ASSERT_OK_AND_ASSIGN(const std::optional<size_t> size, SizeOfMessage(bytes.substr(0, 16)));
  EXPECT_EQ(size, bytes.size());
  ASSERT_OK_AND_ASSIGN(const Message message, Decode(bytes));
  EXPECT_EQ(message.type, MessageType::kSignal);
  EXPECT_EQ(message.reply_serial, 3U);
  EXPECT_EQ(message.member, "JobRemoved");
  EXPECT_EQ(message.sender, ":1.2");
  EXPECT_EQ(message.signature, "us");
  Reader reader(message.received_body);
  EXPECT_EQ(reader.Uint32(), 42U);
  EXPECT_EQ(reader.String(), "/org/job/1");
  EXPECT_TRUE(reader.ok() && reader.AtEnd());
}

TEST(MessageTest, EveryCutIsNoticed) {
  Body body;
  body.PutString("text");
  const std::string bytes = Encode({.serial = 1, .path = "/p", .member = "M", .body = body});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(Decode(bytes.substr(0, size)), StatusIs(absl::StatusCode::kDataLoss)) << size;
  }
  EXPECT_OK(Decode(bytes));
}

TEST(MessageTest, LengthsThatLieAreRefused) {
  std::string bytes = Encode({.serial = 1, .path = "/p", .member = "M"});
  std::string huge = bytes;
  huge[7] = '\x7f';  // a body of 2 GB
  EXPECT_THAT(SizeOfMessage(huge), StatusIs(absl::StatusCode::kDataLoss));
  bytes[20] = '\x7f';  // a path that is longer than the message
  EXPECT_THAT(Decode(bytes), StatusIs(absl::StatusCode::kDataLoss));
  Reader reader("\x05\0\0\0ab");
  EXPECT_EQ(reader.String(), "");
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace tiny::dbus
