#include "cli/flag_parsers/policies.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

TEST(RestartTest, Policies) {
  EXPECT_EQ(ParseRestart("always")->name, "always");
  EXPECT_EQ(ParseRestart("on-failure:5")->maximum_retry_count, 5);
  for (const char* text :
       {"", "sometimes", "always:3", "on-failure:-1", "on-failure:x", "on-failure:99999999999"}) {
    EXPECT_FALSE(ParseRestart(text).ok()) << text;
  }
}

absl::Status Security(absl::string_view text, state::SecurityConfig* security) {
  return ApplySecurityOption(
      text,
      [](absl::string_view path) -> absl::StatusOr<std::string> {
        if (path == "p.json") return "{}";
        return absl::NotFoundError("no such file");
      },
      security);
}

TEST(SecurityOptionTest, Forms) {
  state::SecurityConfig security;
  ASSERT_OK(Security("no-new-privileges", &security));
  EXPECT_TRUE(security.no_new_privileges);
  ASSERT_OK(Security("no-new-privileges:false", &security));
  EXPECT_FALSE(security.no_new_privileges);
  ASSERT_OK(Security("seccomp=unconfined", &security));
  EXPECT_EQ(security.seccomp, "unconfined");
  ASSERT_OK(Security("seccomp=p.json", &security));
  EXPECT_EQ(security.seccomp, "{}");
  ASSERT_OK(Security("apparmor=docker-default", &security));
  EXPECT_EQ(security.apparmor, "docker-default");
  ASSERT_OK(Security("systempaths=unconfined", &security));
  EXPECT_TRUE(security.systempaths_unconfined);
}

TEST(SecurityOptionTest, Mistakes) {
  state::SecurityConfig security;
  for (const char* text : {"", "seccomp", "seccomp=", "bogus=1", "no-new-privileges=maybe",
                           "systempaths=x", "label=type:x", "apparmor="}) {
    EXPECT_FALSE(Security(text, &security).ok()) << text;
  }
  EXPECT_THAT(Security("seccomp=absent", &security),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no such file")));
}

TEST(NamespaceTest, Modes) {
  EXPECT_OK(ParseNamespaceMode(NamespaceKind::kPid, "host"));
  EXPECT_OK(ParseNamespaceMode(NamespaceKind::kPid, "container:x"));
  EXPECT_OK(ParseNamespaceMode(NamespaceKind::kIpc, "shareable"));
  EXPECT_OK(ParseNamespaceMode(NamespaceKind::kCgroup, "private"));
  EXPECT_FALSE(ParseNamespaceMode(NamespaceKind::kPid, "private").ok());
  EXPECT_FALSE(ParseNamespaceMode(NamespaceKind::kPid, "container:").ok());
  EXPECT_FALSE(ParseNamespaceMode(NamespaceKind::kUts, "container:x").ok());
  EXPECT_FALSE(ParseNamespaceMode(NamespaceKind::kUser, "").ok());
}

TEST(CapabilityTest, Names) {
  EXPECT_EQ(*ParseCapability("cap_net_admin"), "NET_ADMIN");
  EXPECT_EQ(*ParseCapability("all"), "ALL");
  for (const char* text : {"", "CAP_", "NET-ADMIN", "12"}) {
    EXPECT_FALSE(ParseCapability(text).ok()) << text;
  }
}

TEST(HealthTest, Durations) {
  EXPECT_EQ(*ParseHealthDuration("1m30s"), absl::Seconds(90));
  EXPECT_EQ(*ParseHealthDuration("0s"), absl::ZeroDuration());
  for (const char* text : {"", "10", "-1s", "1us", "x"}) {
    EXPECT_FALSE(ParseHealthDuration(text).ok()) << text;
  }
}

TEST(LogTest, DriversAndOptions) {
  EXPECT_EQ(*ParseLogDriver("json-file"), "json-file");
  EXPECT_FALSE(ParseLogDriver("syslog").ok());
  state::LogConfig log;
  ASSERT_OK(AddLogOption("max-size=10m", &log));
  ASSERT_OK(AddLogOption("max-file=3", &log));
  EXPECT_EQ(log.options["max-size"], "10m");
  for (const char* text : {"", "max-size", "max-size=x", "max-file=0", "tag=x"}) {
    EXPECT_FALSE(AddLogOption(text, &log).ok()) << text;
  }
}

TEST(DetachKeysTest, Grammar) {
  EXPECT_OK(CheckDetachKeys("ctrl-p,ctrl-q"));
  EXPECT_OK(CheckDetachKeys("a,ctrl-\\,ctrl-@"));
  for (const char* text : {"", "ctrl-", "ctrl-P", "alt-x", "a,,b"}) {
    EXPECT_FALSE(CheckDetachKeys(text).ok()) << text;
  }
}

}  // namespace
}  // namespace tiny::cli
