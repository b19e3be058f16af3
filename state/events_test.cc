#include "state/events.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EventsTest : public ::testing::Test {
 protected:
  std::vector<std::string> Read(const EventQuery& query, size_t most = 1000) {
    std::vector<std::string> seen;
    EXPECT_OK(ReadEvents(folder_.path(), query, [&](const Event& event) {
      seen.push_back(absl::StrCat(event.action, " ", event.id));
      return seen.size() < most;
    }));
    return seen;
  }
  void Append(const std::string& action, const std::string& id,
              std::map<std::string, std::string> attributes = {}) {
    Event event;
    event.action = action;
    event.id = id;
    event.attributes = std::move(attributes);
    ASSERT_OK(AppendEvents(folder_.path(), {event}));
  }

  testing::TempDir folder_;
};

TEST_F(EventsTest, JsonRoundTrips) {
  Event event;
  event.action = "health_status: healthy";
  event.id = "abc";
  event.attributes = {{"name", "web"}, {"image", "é\"\n"}};
  event.time = absl::FromUnixNanos(1767323045000000006);
  const std::string line = EventToJson(event);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_THAT(line, HasSubstr(R"("Type":"container")"));
  ASSERT_OK_AND_ASSIGN(const Event back, EventFromJson(line));
  EXPECT_EQ(back, event);
  for (const char* bad : {"", "x", "[]", "{}", R"({"Type":"a","Action":"b"})",
                          R"({"Type":1,"Action":"b","timeNano":1})"}) {
    EXPECT_FALSE(EventFromJson(bad).ok()) << bad;
  }
}

TEST_F(EventsTest, ReadsInOrderAndSkipsDamage) {
  EXPECT_TRUE(Read({}).empty());
  Append("create", "a");
  ASSERT_OK(ReplaceFileAtomically(OpenFile(folder_.path(), O_DIRECTORY)->get(), "events.log",
                                  *ReadFile(folder_.Path("events.log")) + "damage\n", 0600));
  Append("start", "a");
  EXPECT_THAT(Read({}), ElementsAre("create a", "start a"));
  EXPECT_THAT(Read({}, 1), ElementsAre("create a"));
  EXPECT_TRUE(Read({.since = absl::Now() + absl::Hours(1)}).empty());
  EXPECT_TRUE(Read({.until = absl::Now() - absl::Hours(1)}).empty());
}

TEST_F(EventsTest, Filters) {
  Append("start", "aaa", {{"name", "web"}, {"env", "prod"}});
  Append("die", "aaa", {{"name", "web"}});
  Append("health_status: healthy", "bbb", {{"name", "db"}});
  const auto with = [&](std::vector<std::pair<const char*, const char*>> terms) {
    EventQuery query;
    for (const auto& [key, value] : terms) EXPECT_OK(query.filter.Add(key, value));
    return Read(query);
  };
  EXPECT_THAT(with({{"container", "web"}}), ElementsAre("start aaa", "die aaa"));
  EXPECT_THAT(with({{"container", "bb"}}), ElementsAre("health_status: healthy bbb"));
  EXPECT_THAT(with({{"event", "die"}, {"event", "start"}}), ElementsAre("start aaa", "die aaa"));
  EXPECT_THAT(with({{"event", "health_status"}}), ElementsAre("health_status: healthy bbb"));
  EXPECT_THAT(with({{"label", "env=prod"}}), ElementsAre("start aaa"));
  EXPECT_TRUE(with({{"type", "network"}}).empty());
  EventFilter filter;
  EXPECT_FALSE(filter.Add("colour", "red").ok());
}

TEST_F(EventsTest, AFullLogIsMovedAsideAndReadFirst) {
  const std::string big(100000, 'x');
  for (int64_t size = 0; size < kEventLogSize; size += 100000) Append("old", "a", {{"x", big}});
  Append("new", "b");
  EXPECT_TRUE(PathExists(folder_.Path("events.log.1")));
  const std::vector<std::string> seen = Read({});
  EXPECT_EQ(seen.front(), "old a");
  EXPECT_EQ(seen.back(), "new b");
}

TEST_F(EventsTest, FollowsWhatOthersAppend) {
  Append("create", "a");
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 3; ++i) {
      usleep(20000);
      Event event;
      event.action = absl::StrCat("n", i);
      event.id = "a";
      AppendEvents(folder_.path(), {event}).IgnoreError();
    }
    _exit(0);
  }
  EventQuery query;
  query.follow = true;
  query.until = absl::Now() + absl::Seconds(20);
  EXPECT_THAT(Read(query, 4), ElementsAre("create a", "n0 a", "n1 a", "n2 a"));
  waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace tiny::state
