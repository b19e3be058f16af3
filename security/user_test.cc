#include "security/user.h"

#include <optional>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::security {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

// Entries that try to be more than they are: a user and a group whose names are numbers, ids out
// of range, lines cut short.
constexpr char kPasswd[] =
    "root:x:0:0:root:/root:/bin/sh\n"
    "# comment\n"
    "\n"
    "1000:x:0:0:a number as a name:/evil:/bin/sh\n"
    "big:x:4294967295:0::/big:/bin/sh\n"
    "minus:x:-1:0::/minus:/bin/sh\n"
    "short:x:7\n"
    "web:x:33:33:web:/var/www:/bin/sh\n"
    "nohome:x:34:34::\n"
    "nohome2:x:35:35:::/bin/sh\n"
    "web:x:99:99:a second one:/second:/bin/sh\n"
    "m$:x:36:36::/m:/bin/sh";
constexpr char kGroup[] =
    "root:x:0:\n"
    "2000:x:0:web\n"
    "wheel:x:10:root,web\n"
    "logs:x:11:web\n"
    "prefix:x:12:website\n"
    "bad:x:4294967295:web\n"
    "web:x:33:\n"
    "audio:x:63:";

struct Case {
  const char* spec;
  std::optional<std::pair<uint32_t, uint32_t>> ids;  // nothing: an error
  const char* home = "/";
};
void PrintTo(const Case& c, std::ostream* out) { *out << '"' << c.spec << '"'; }

class UserSpecTest : public ::testing::TestWithParam<Case> {};

TEST_P(UserSpecTest, IsExact) {
  const absl::StatusOr<ResolvedUser> user = ResolveUser(GetParam().spec, {}, kPasswd, kGroup);
  if (!GetParam().ids) {
    EXPECT_FALSE(user.ok()) << user->uid << ":" << user->gid;
    return;
  }
  ASSERT_OK(user);
  EXPECT_EQ(user->uid, GetParam().ids->first);
  EXPECT_EQ(user->gid, GetParam().ids->second);
  EXPECT_EQ(user->home, GetParam().home);
}

constexpr std::nullopt_t kError = std::nullopt;
using Ids = std::pair<uint32_t, uint32_t>;
INSTANTIATE_TEST_SUITE_P(
    Table, UserSpecTest,
    ::testing::Values(
        Case{"", Ids(0, 0), "/root"}, Case{"root", Ids(0, 0), "/root"},
        Case{"0", Ids(0, 0), "/root"}, Case{"00", Ids(0, 0), "/root"},
        Case{"web", Ids(33, 33), "/var/www"}, Case{"33", Ids(33, 33), "/var/www"},
        Case{"0033", Ids(33, 33), "/var/www"}, Case{"1", Ids(1, 0)}, Case{"1:2", Ids(1, 2)},
        Case{"1:web", Ids(1, 33)}, Case{"web:wheel", Ids(33, 10), "/var/www"},
        Case{"web:0", Ids(33, 0), "/var/www"}, Case{":5", Ids(0, 5), "/root"},
        Case{":wheel", Ids(0, 10), "/root"}, Case{"m$", Ids(36, 36), "/m"},
        Case{"nohome", Ids(34, 34)}, Case{"nohome2", Ids(35, 35)},
        Case{"2147483647", Ids(2147483647u, 0)}, Case{"2147483648", Ids(2147483648u, 0)},
        Case{"4294967294", Ids(4294967294u, 0)},
        Case{"4294967294:4294967294", Ids(4294967294u, 4294967294u)},
        // A number is an id, whatever names the files have.
        Case{"1000", Ids(1000, 0)}, Case{"1000:2000", Ids(1000, 2000)},
        // "$UID:$GID" in a shell that has no GID.
        Case{"1000:", Ids(1000, 0)}, Case{"root:", Ids(0, 0), "/root"},
        Case{":", Ids(0, 0), "/root"},
        // Neither wraps nor ends up as root.
        Case{"4294967295", kError}, Case{"4294967296", kError}, Case{"4294967297", kError},
        Case{"18446744073709551616", kError}, Case{"root:4294967295", kError},
        Case{"root:4294967296", kError}, Case{"-1", kError}, Case{"+1", kError},
        Case{"0x0", kError}, Case{"0x1", kError}, Case{"1e3", kError}, Case{"1 ", kError},
        Case{" 1", kError}, Case{"1\n", kError}, Case{"1\t", kError}, Case{"\xd9\xa1", kError},
        Case{"root ", kError}, Case{" root", kError}, Case{"ro ot", kError}, Case{"Root", kError},
        Case{"1:2:3", kError}, Case{"root:root:root", kError}, Case{"::", kError},
        Case{"nobody", kError}, Case{"root:nogroup", kError}, Case{"-root", kError},
        Case{".root", kError}, Case{"../etc", kError}, Case{"a/b", kError}, Case{"root:-1", kError},
        Case{"root: 1", kError}, Case{"root:0x0", kError}, Case{"$", kError}, Case{"m$$", kError},
        Case{"web,root", kError}, Case{"big", kError}, Case{"minus", kError}, Case{"short", kError},
        Case{"nohome", Ids(34, 34)}, Case{"web:bad", kError}, Case{"#", kError},
        Case{"# comment", kError}, Case{"web\nroot", kError}));

std::vector<uint32_t> Groups(absl::string_view spec, std::vector<std::string> add = {}) {
  const absl::StatusOr<ResolvedUser> user = ResolveUser(spec, add, kPasswd, kGroup);
  EXPECT_OK(user);
  return user.ok() ? user->additional_gids : std::vector<uint32_t>{};
}

TEST(SupplementaryGroupsTest, AreThoseOfTheFileAndThePrimaryOne) {
  EXPECT_THAT(Groups("web"), ElementsAre(0, 10, 11, 33));
  EXPECT_THAT(Groups("33"), ElementsAre(0, 10, 11, 33));
  EXPECT_THAT(Groups("root"), ElementsAre(0, 10));
  EXPECT_THAT(Groups("4711"), ElementsAre(0));
}

TEST(SupplementaryGroupsTest, AnExplicitGroupReplacesThoseOfTheFile) {
  EXPECT_THAT(Groups("web:63"), ElementsAre(63));
  EXPECT_THAT(Groups("web:audio", {"wheel", "7"}), ElementsAre(7, 10, 63));
}

TEST(SupplementaryGroupsTest, AddedOnesAreResolved) {
  EXPECT_THAT(Groups("1:1", {"audio", "audio", "2000"}), ElementsAre(1, 63, 2000));
  const std::vector<std::string> unknown = {"nope"};
  EXPECT_THAT(ResolveUser("", unknown, kPasswd, kGroup),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nope")));
}

TEST(ResolveUserTest, WorksWithoutFiles) {
  ASSERT_OK_AND_ASSIGN(const ResolvedUser user, ResolveUser("12:34", {}, "", ""));
  EXPECT_EQ(user.uid, 12u);
  EXPECT_EQ(user.gid, 34u);
  EXPECT_EQ(user.home, "/");
  EXPECT_THAT(ResolveUser("web", {}, "", ""), StatusIs(absl::StatusCode::kNotFound));
}

TEST(ResolveUserTest, TakesNamesOfUpTo256Bytes) {
  const std::string name(256, 'n');
  const std::string passwd = absl::StrCat(name, ":x:5:6::/home:/bin/sh\n");
  ASSERT_OK_AND_ASSIGN(const ResolvedUser user, ResolveUser(name, {}, passwd, ""));
  EXPECT_EQ(user.uid, 5u);
  EXPECT_THAT(ResolveUser(name + "n", {}, passwd, ""),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ResolveUserTest, EscapesWhatItQuotes) {
  const absl::Status status = ResolveUser("\x1b[2J", {}, "", "").status();
  EXPECT_EQ(std::string(status.message()).find('\x1b'), std::string::npos);
}

TEST(ResolveUserTest, IsLinearInOneHugeLine) {
  const std::string passwd = std::string(16 << 20, ':') + "\nweb:x:1:1::/w:/bin/sh\n";
  ASSERT_OK_AND_ASSIGN(const ResolvedUser user, ResolveUser("web", {}, passwd, ""));
  EXPECT_EQ(user.uid, 1u);
}

}  // namespace
}  // namespace tiny::security
