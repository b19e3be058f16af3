#include "fs/etc_files.h"

#include "testing/status_matchers.h"

namespace tiny::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::tiny::testing::StatusIs;

TEST(EtcFiles, Hosts) {
  ASSERT_OK_AND_ASSIGN(const std::string text,
                       RenderHosts({{"10.10.0.2", {"web", "web.example"}}, {"10.0.0.9", {}}}));
  EXPECT_THAT(text, HasSubstr("127.0.0.1\tlocalhost\n"));
  EXPECT_THAT(text, HasSubstr("\n10.10.0.2\tweb web.example\n"));
  EXPECT_EQ(text.find("10.0.0.9"), std::string::npos);
}

TEST(EtcFiles, NoLineIsSmuggledIn) {
  for (const std::string& bad :
       {std::string("x\n6.6.6.6 bank"), std::string("a b"), std::string("a\tb"), std::string("#"),
        std::string("a\rb"), std::string(), std::string("a\0b", 3)}) {
    EXPECT_THAT(RenderHosts({{"10.0.0.1", {bad}}}), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(RenderHosts({{bad, {"web"}}}), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(RenderHostname(bad), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(RenderResolvConf({.servers = {bad}}), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(RenderResolvConf({.search = {bad}}), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(RenderResolvConf({.options = {bad}}), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_EQ(RenderHostname("web-1.example").value(), "web-1.example\n");
  EXPECT_THAT(RenderHostname("-x"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ResolvConf, RoundTrip) {
  constexpr absl::string_view kText =
      "nameserver 10.0.0.1\nnameserver fe80::1%eth0\nsearch a.example b.example\n"
      "options ndots:2 edns0\n";
  EXPECT_EQ(RenderResolvConf(ParseResolvConf(kText)).value(), kText);
}

TEST(ResolvConf, Parses) {
  const ResolverConfig config = ParseResolvConf(
      "; comment\n# another\nnameserver\t1.1.1.1 # cloud\r\ndomain old.example\n"
      "search one two\nsortlist x\nnameserver\noptions rotate\noptions timeout:1\n");
  EXPECT_THAT(config.servers, ElementsAre("1.1.1.1"));
  EXPECT_THAT(config.search, ElementsAre("one", "two"));
  EXPECT_THAT(config.options, ElementsAre("rotate", "timeout:1"));
}

TEST(ResolvConf, StubsAreNotHandedOn) {
  ResolverRequest request;
  request.host_resolv_conf = "nameserver 127.0.0.53\nsearch lan\noptions edns0\n";
  request.systemd_resolv_conf = "nameserver 192.168.1.1\n";
  EXPECT_THAT(ResolveForContainer(request).servers, ElementsAre("192.168.1.1"));
  EXPECT_THAT(ResolveForContainer(request).search, ElementsAre("lan"));

  request.systemd_resolv_conf = "";
  EXPECT_THAT(ResolveForContainer(request).servers, ElementsAre("8.8.8.8", "8.8.4.4"));

  request.host_resolv_conf = "nameserver ::1\nnameserver 9.9.9.9\n";
  EXPECT_THAT(ResolveForContainer(request).servers, ElementsAre("9.9.9.9"));

  request.host_network = true;
  EXPECT_THAT(ResolveForContainer(request).servers, ElementsAre("::1", "9.9.9.9"));
}

TEST(ResolvConf, OverridesWin) {
  ResolverRequest request;
  request.host_resolv_conf = "nameserver 9.9.9.9\nsearch lan\noptions edns0\n";
  request.overrides.servers = {"1.1.1.1"};
  request.overrides.search = {"."};
  const ResolverConfig config = ResolveForContainer(request);
  EXPECT_THAT(config.servers, ElementsAre("1.1.1.1"));
  EXPECT_THAT(config.search, IsEmpty());
  EXPECT_THAT(config.options, ElementsAre("edns0"));
}

}  // namespace
}  // namespace tiny::fs
