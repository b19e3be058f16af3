#include "oci/cli/glance.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace tiny::oci {
namespace {

std::string Config(absl::string_view linux) {
  return absl::StrCat(R"({"process": {"args": ["a"]}, "linux": {)", linux, R"(}, "hooks": {}})");
}

TEST(GlanceTest, SeesANewNetworkNamespace) {
  const auto wants = [](absl::string_view namespaces) {
    return GlanceAt(Config(absl::StrCat(R"("namespaces": )", namespaces))).new_network;
  };
  EXPECT_TRUE(wants(R"([{"type": "mount"}, {"type": "network"}])"));
  EXPECT_TRUE(wants(R"([{"path": "", "x": [{}], "type": "net\u0077ork"}])"));
  EXPECT_FALSE(wants(R"([{"type": "network", "path": "/run/netns/pod"}])"));
  EXPECT_FALSE(wants(R"([{"type": "network"}, {"type": "user"}])"));
  EXPECT_FALSE(wants(R"([{"type": "mount"}, "network", 7, null])"));
  EXPECT_FALSE(wants(R"({"type": "network"})"));
  EXPECT_FALSE(wants(R"([{"type": "network"})"));  // no JSON
}

TEST(GlanceTest, SeesTheOneProfile) {
  constexpr absl::string_view kProfile = R"({"defaultAction": ["}"]})";
  const auto profile = [](const std::string& text) { return GlanceAt(Config(text)).seccomp; };
  const std::string one = absl::StrCat(R"("seccomp": )", kProfile);
  EXPECT_EQ(GlanceAt(Config(one + R"(, "namespaces": [])")).seccomp.size(), kProfile.size());
  EXPECT_TRUE(profile(one + ", " + one).empty());
  EXPECT_TRUE(profile(R"("seccomp": null)").empty());
  EXPECT_TRUE(profile(R"("namespaces": [])").empty());
  EXPECT_TRUE(GlanceAt(Config(one) + "}").seccomp.empty());
}

TEST(GlanceTest, SeesNothingInWhatIsNoConfiguration) {
  for (const absl::string_view text : {"", "{", "[]", "7", R"({"linux": [{"seccomp": {}}]})"}) {
    const Glance glance = GlanceAt(text);
    EXPECT_TRUE(glance.seccomp.empty()) << text;
    EXPECT_FALSE(glance.new_network) << text;
  }
}

}  // namespace
}  // namespace tiny::oci
