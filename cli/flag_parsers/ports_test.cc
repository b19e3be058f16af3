#include "cli/flag_parsers/ports.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

std::string Text(const std::vector<state::PortMapping>& mappings) {
  return absl::StrJoin(mappings, " ", [](std::string* out, const state::PortMapping& each) {
    absl::StrAppend(out, each.host_ip, "|", each.host_port,
                    each.host_port_end > 0 ? absl::StrCat("..", each.host_port_end) : "", "|",
                    each.container_port, "/", each.protocol);
  });
}

TEST(PublishTest, Forms) {
  const std::pair<const char*, const char*> kCases[] = {
      {"80", "|0|80/tcp"},
      {"8080:80", "|8080|80/tcp"},
      {"8080:80/udp", "|8080|80/udp"},
      {"127.0.0.1:8080:80", "127.0.0.1|8080|80/tcp"},
      {"127.0.0.1::80", "127.0.0.1|0|80/tcp"},
      {"[::1]:8080:80", "::1|8080|80/tcp"},
      {"[::1]::80/SCTP", "::1|0|80/sctp"},
      {"8000-8002:80-82", "|8000|80/tcp |8001|81/tcp |8002|82/tcp"},
      {"80-81", "|0|80/tcp |0|81/tcp"},
      {"8000-8009:80", "|8000..8009|80/tcp"},
      {"published=8080,target=80,protocol=udp", "|8080|80/udp"},
      {"target=80", "|0|80/tcp"},
      {"65535:65535", "|65535|65535/tcp"},
  };
  for (const auto& [text, want] : kCases) {
    ASSERT_OK_AND_ASSIGN(const auto mappings, ParsePublish(text));
    EXPECT_EQ(Text(mappings), want) << text;
  }
}

TEST(PublishTest, Mistakes) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "empty port"},
      {":", "no port of the container"},
      {"80:", "no port of the container"},
      {"0", "want 1 to 65535"},
      {"65536", "want 1 to 65535"},
      {"99999999999999999999", "want 1 to 65535"},
      {"-80", "invalid port"},
      {"80.5", "invalid port"},
      {"http", "invalid port"},
      {" 80", "invalid port"},
      {"80/http", "invalid protocol"},
      {"90-80", "runs backwards"},
      {"8000-8001:80-85", "2 ports of the host for 6"},
      {"1.2.3:80:80", "invalid address"},
      {"::80", "no address"},
      {"target=80,bogus=1", "unknown field"},
      {"published=80", "no port of the container"},
  };
  for (const auto& [text, message] : kCases) {
    EXPECT_THAT(ParsePublish(text).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)))
        << text;
  }
}

TEST(ExposeTest, Forms) {
  EXPECT_THAT(*ParseExpose("80"), ::testing::ElementsAre("80/tcp"));
  EXPECT_THAT(*ParseExpose("53-54/udp"), ::testing::ElementsAre("53/udp", "54/udp"));
  EXPECT_FALSE(ParseExpose("").ok());
  EXPECT_FALSE(ParseExpose("80/").ok());
  EXPECT_EQ(ParseExpose("1-65535")->size(), 65535u);
}

}  // namespace
}  // namespace tiny::cli
