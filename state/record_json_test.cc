#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "state/config_json.h"
#include "state/record_fields.h"
#include "state/state_json.h"
#include "testing/status_matchers.h"

namespace tiny::state {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

// Gives every member, however deep, a value that is not its default and that no other member has.
class Filler {
 public:
  template <class T>
  void operator()(absl::string_view key, T& member, const T&) {
    key_ = std::string(key);
    Fill(member);
    ++members_;
  }
  int members() const { return members_; }

 private:
  void Fill(std::string& value) { value = absl::StrCat(key_, " \"\n\xFF", ++next_); }
  void Fill(bool& value) { value = !value; }
  template <std::integral T>
  void Fill(T& value) {
    value = static_cast<T>(++next_);
  }
  void Fill(absl::Time& value) { value = absl::FromUnixNanos(1700000000000000000 + ++next_); }
  void Fill(absl::Duration& value) { value = absl::Nanoseconds(++next_); }
  template <class T>
  requires std::is_enum_v<T>
  void Fill(T& value) { value = static_cast<T>(2); }
  template <class T>
  void Fill(std::optional<T>& value) {
    Fill(value.emplace());
  }
  template <class T>
  void Fill(std::vector<T>& values) {
    for (int i = 0; i < 2; ++i) Fill(values.emplace_back());
  }
  void Fill(std::map<std::string, std::string>& values) {
    for (int i = 0; i < 2; ++i) Fill(values[absl::StrCat("key ", ++next_)]);
  }
  template <class T>
  requires std::is_class_v<T>
  void Fill(T& value) { VisitFields(*this, value, value); }

  std::string key_;
  int next_ = 1000;
  int members_ = 0;
};

// Counts members in which two values differ.
class Differ {
 public:
  template <class T>
  static std::vector<std::string> Differences(const T& a, const T& b) {
    Differ differ;
    differ.Compare("", a, b);
    return differ.found_;
  }
  template <class T>
  void operator()(absl::string_view key, const T& a, const T& b) {
    Compare(absl::StrCat(path_, "/", key), a, b);
  }

 private:
  template <class T>
  void Compare(const std::string& path, const T& a, const T& b) {
    if constexpr (requires { a == b; }) {
      if (!(a == b)) found_.push_back(path);
    } else {
      const std::string outer = std::exchange(path_, path);
      VisitFields(*this, a, b);
      path_ = outer;
    }
  }
  template <class T>
  requires(!requires(const T& v) {
    v == v;
  }) void Compare(const std::string& path, const std::vector<T>& a, const std::vector<T>& b) {
    if (a.size() != b.size()) {
      found_.push_back(path);
      return;
    }
    for (size_t i = 0; i < a.size(); ++i) Compare(absl::StrCat(path, "[", i, "]"), a[i], b[i]);
  }

  std::string path_;
  std::vector<std::string> found_;
};

template <class T>
T Filled() {
  T value;
  Filler filler;
  VisitFields(filler, value, value);
  EXPECT_GT(filler.members(), 10);
  return value;
}

TEST(ConfigJsonTest, EveryMemberComesBack) {
  const ContainerConfig config = Filled<ContainerConfig>();
  EXPECT_GT(Differ::Differences(config, ContainerConfig()).size(), 48u);  // the test sees members
  ASSERT_OK_AND_ASSIGN(const ContainerConfig read, ConfigFromJson(ConfigToJson(config)));
  EXPECT_THAT(Differ::Differences(config, read), ::testing::IsEmpty());
  EXPECT_EQ(ConfigToJson(read), ConfigToJson(config));
}

TEST(StateJsonTest, EveryMemberComesBack) {
  const ContainerState state = Filled<ContainerState>();
  EXPECT_GT(Differ::Differences(state, ContainerState()).size(), 14u);
  ASSERT_OK_AND_ASSIGN(const ContainerState read, StateFromJson(StateToJson(state)));
  EXPECT_THAT(Differ::Differences(state, read), ::testing::IsEmpty());
  EXPECT_EQ(StateToJson(read), StateToJson(state));
}

TEST(ConfigJsonTest, DefaultsAreLeftOutAndComeBack) {
  ContainerConfig config;
  EXPECT_EQ(ConfigToJson(config), "{\"version\":1}\n");
  ASSERT_OK_AND_ASSIGN(ContainerConfig read, ConfigFromJson("{}"));
  EXPECT_THAT(Differ::Differences(config, read), ::testing::IsEmpty());
  config.health.retries = 0;  // zero is not the default here
  config.stop_timeout = 0;
  config.id.assign(1, 'x');
  EXPECT_EQ(ConfigToJson(config),
            "{\"version\":1,\"id\":\"x\",\"stop_timeout\":0,\"health\":{\"retries\":0}}\n");
  ASSERT_OK_AND_ASSIGN(read, ConfigFromJson(ConfigToJson(config)));
  EXPECT_EQ(read.health.retries, 0);
  EXPECT_EQ(read.stop_timeout, 0);
}

TEST(ConfigJsonTest, KeysMayComeInAnyOrderAndTwice) {
  ASSERT_OK_AND_ASSIGN(
      const ContainerConfig read,
      ConfigFromJson(R"({"log":{"driver":"none"},"of a later version":[1],"image":"i","tty":true,)"
                     R"("health":{"retries":7,"test":["NONE"]},"id":"x","version":1,"id":"y"})"));
  EXPECT_EQ(read.id, "y");
  EXPECT_EQ(read.image, "i");
  EXPECT_TRUE(read.tty);
  EXPECT_EQ(read.health.retries, 7);
  EXPECT_THAT(read.health.test, ::testing::ElementsAre("NONE"));
  EXPECT_EQ(read.log.driver, "none");
}

TEST(StateJsonTest, EveryStatusHasItsName) {
  const Status all[] = {Status::kCreated,  Status::kRunning, Status::kPaused, Status::kRestarting,
                        Status::kRemoving, Status::kExited,  Status::kDead};
  for (const Status status : all) {
    ContainerState state;
    state.status = status;
    ASSERT_OK_AND_ASSIGN(const ContainerState read, StateFromJson(StateToJson(state)));
    EXPECT_EQ(read.status, status);
  }
  EXPECT_EQ(StatusName(Status::kRestarting), "restarting");
}

TEST(ConfigJsonTest, UnknownKeysAreIgnored) {
  ASSERT_OK_AND_ASSIGN(
      const ContainerConfig config,
      ConfigFromJson(
          R"({"x":{"id":"no"},"id":"yes","resources":{"y":[1,2],"memory":5},"z":null})"));
  EXPECT_EQ(config.id, "yes");
  EXPECT_EQ(config.resources.memory, 5);
}

TEST(ConfigJsonTest, ErrorsNameTheField) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"id":1})", "id: expected a string"},
      {R"({"resources":{"memory":"1g"}})", "resources.memory: expected an integer"},
      {R"({"resources":{"blkio_weight":65536}})", "resources.blkio_weight: number out of range"},
      {R"({"ports":[{"host_port":1},{"host_port":-1}]})",
       "ports[1].host_port: expected an unsigned"},
      {R"({"env":["a",2]})", "env[1]: expected a string"},
      {R"({"labels":{"a":true}})", "labels.a: expected a string"},
      {R"({"tty":"yes"})", "tty: expected true or false"},
      {R"({"created_at":"noon"})", "created_at: expected a time"},
      {R"({"mounts":[{"type":"nfs"}]})", "mounts[0].type: unknown value \"nfs\""},
      {R"({"version":"1"})", "version: expected an integer"},
      {R"([])", "expected an object"},
      {"", "expected an object"},
      {R"({"id":"x"} x)", "unexpected text"},
  };
  for (const auto& [json, message] : cases) {
    EXPECT_THAT(ConfigFromJson(json),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)))
        << json;
  }
}

TEST(ConfigJsonTest, NewerVersionsAndHugeFilesAreRefused) {
  EXPECT_THAT(ConfigFromJson(R"({"version":2,"id":{}})"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("newer version")));
  EXPECT_THAT(ConfigFromJson(std::string(kMaxRecordSize + 1, ' ')),
              StatusIs(absl::StatusCode::kOutOfRange));
}

TEST(RecordJsonTest, AnyTruncationIsAnErrorAndNoneCrashes) {
  const std::string config = ConfigToJson(Filled<ContainerConfig>());
  const std::string state = StateToJson(Filled<ContainerState>());
  for (size_t length = 0; length + 1 < config.size(); ++length) {
    ASSERT_FALSE(ConfigFromJson(config.substr(0, length)).ok()) << length;
  }
  for (size_t length = 0; length + 1 < state.size(); ++length) {
    ASSERT_FALSE(StateFromJson(state.substr(0, length)).ok()) << length;
  }
}

}  // namespace
}  // namespace tiny::state
