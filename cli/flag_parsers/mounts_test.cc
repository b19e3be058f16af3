#include "cli/flag_parsers/mounts.h"

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;
using Type = state::MountConfig::Type;

absl::StatusOr<state::MountConfig> Volume(absl::string_view text) {
  return ParseVolume(text, "/srv/dir", "/home/me");
}

TEST(VolumeTest, Sources) {
  const std::tuple<const char*, Type, const char*, const char*> kCases[] = {
      {"/a:/b", Type::kBind, "/a", "/b"},
      {"./a:/b", Type::kBind, "/srv/dir/a", "/b"},
      {"..:/b/", Type::kBind, "/srv", "/b"},
      {"~/x:/b", Type::kBind, "/home/me/x", "/b"},
      {"data:/b//c/../d", Type::kVolume, "data", "/b/d"},
      {"/b", Type::kVolume, "", "/b"},
  };
  for (const auto& [text, type, source, destination] : kCases) {
    ASSERT_OK_AND_ASSIGN(const state::MountConfig mount, Volume(text));
    EXPECT_EQ(mount.type, type) << text;
    EXPECT_EQ(mount.source, source) << text;
    EXPECT_EQ(mount.destination, destination) << text;
    EXPECT_EQ(mount.create_source, type == Type::kBind) << text;
  }
}

TEST(VolumeTest, Options) {
  ASSERT_OK_AND_ASSIGN(const state::MountConfig mount, Volume("/a:/b:ro,rshared,nocopy,z"));
  EXPECT_TRUE(mount.read_only);
  EXPECT_TRUE(mount.no_copy);
  EXPECT_EQ(mount.propagation, "rshared");
  // A Mac's.
  EXPECT_OK(Volume("/a:/b:cached"));
  EXPECT_OK(Volume("/a:/b:ro,delegated"));
  EXPECT_OK(Volume("/a:/b:consistent"));
}

TEST(VolumeTest, Mistakes) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "not of the form"},
      {"a:/m:rw,ro", "more than one"},
      {":/b", "no source"},
      {"/a:b", "not absolute"},
      {"/a:/", "on / of the container"},
      {"/a:/b/..", "on / of the container"},
      {"/a:/b:rw:x", "not of the form"},
      {"/a:/b:readonly", "unknown option"},
      {"da ta:/b", "neither a path"},
      {"-data:/b", "neither a path"},
  };
  for (const auto& [text, message] : kCases) {
    EXPECT_THAT(Volume(text).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)))
        << text;
  }
}

TEST(MountTest, Types) {
  ASSERT_OK_AND_ASSIGN(
      state::MountConfig mount,
      ParseMount("type=bind,src=rel,dst=/b,readonly,bind-propagation=slave", "/w"));
  EXPECT_EQ(mount.type, Type::kBind);
  EXPECT_EQ(mount.source, "/w/rel");
  EXPECT_TRUE(mount.read_only);
  EXPECT_FALSE(mount.create_source);
  EXPECT_EQ(mount.propagation, "slave");

  ASSERT_OK_AND_ASSIGN(mount,
                       ParseMount("TYPE=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1777", "/"));
  EXPECT_EQ(mount.type, Type::kTmpfs);
  EXPECT_EQ(mount.tmpfs_options, "size=67108864,mode=1777");

  ASSERT_OK_AND_ASSIGN(mount, ParseMount("source=v,target=/t,volume-nocopy=true,ro=false", "/"));
  EXPECT_EQ(mount.type, Type::kVolume);
  EXPECT_TRUE(mount.no_copy);
  EXPECT_FALSE(mount.read_only);

  ASSERT_OK_AND_ASSIGN(mount, ParseMount("type=bind,\"src=/a,b\",dst=/c", "/"));
  EXPECT_EQ(mount.source, "/a,b");
}

TEST(MountTest, Mistakes) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "empty field"},
      {"type=bind,src=/a", "no target"},
      {"type=bind,dst=/b", "needs a source"},
      {"type=npipe,dst=/b", "unsupported type"},
      {"type=tmpfs,src=/a,dst=/b", "source does not go with type=tmpfs"},
      {"type=bind,src=/a,dst=/b,tmpfs-size=1m", "tmpfs-size does not go"},
      {"type=tmpfs,dst=/b,tmpfs-mode=999", "want octal digits"},
      {"type=tmpfs,dst=/b,tmpfs-size=-1", "invalid size"},
      {"type=bind,src=/a,dst=/b,ro=maybe", "neither true nor false"},
      {"type=bind,src=/a,dst=/b,colour=red", "unknown field"},
      {"type=bind,src=/a,dst=b", "not absolute"},
      {"type=volume,src=/a,dst=/b", "neither a path"},
      {"type=bind,\"src=/a", "open quote"},
  };
  for (const auto& [text, message] : kCases) {
    EXPECT_THAT(ParseMount(text, "/").status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)))
        << text;
  }
}

TEST(MountTest, FieldsOfVolumesToBeMadeAreRefusedWithTheWay) {
  const std::pair<const char*, const char*> kCases[] = {
      {"volume-label=a=b", "--label KEY=VALUE NAME"},
      {"volume-opt=type=nfs", "-o device=FOLDER NAME"},
      {"volume-driver=rexray", ""},
  };
  for (const auto& [field, hint] : kCases) {
    const absl::Status status = ParseMount(absl::StrCat("src=v,dst=/d,", field), "/").status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("is not supported")));
    EXPECT_THAT(GetHint(status), HasSubstr(hint));
  }
  EXPECT_OK(ParseMount("src=v,dst=/d,volume-driver=local", "/"));
}

TEST(TmpfsTest, Forms) {
  ASSERT_OK_AND_ASSIGN(const state::MountConfig mount, ParseTmpfs("/run:size=1m,exec"));
  EXPECT_EQ(mount.destination, "/run");
  EXPECT_EQ(mount.tmpfs_options, "size=1m,exec");
  EXPECT_TRUE(ParseTmpfs("/run:rw,nosuid,size=50%,nr_inodes=1k,mode=1777,uid=5,huge=never").ok());
  for (const char* bad : {"run", "", "/run:", "/run:bogus", "/run:size=", "/run:size=-1",
                          "/run:mode=9", "/run:uid=x", "/run:size", "/run:ro,,rw"}) {
    EXPECT_FALSE(ParseTmpfs(bad).ok()) << bad;
  }
}

TEST(CleanPathTest, Resolves) {
  EXPECT_EQ(CleanPath("/"), "/");
  EXPECT_EQ(CleanPath("/../../a//./b/"), "/a/b");
  EXPECT_EQ(CleanPath("x/../y", "/base"), "/base/y");
}

}  // namespace
}  // namespace tiny::cli
