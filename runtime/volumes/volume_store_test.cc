#include "runtime/volumes/volume_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/files.h"
#include "runtime/volumes/volume_json.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

std::vector<std::string> Nobody(absl::string_view) { return {}; }
std::vector<std::string> SomeContainer(absl::string_view) { return {"abc"}; }

TEST(VolumeStore, CreatesOnceAndFindsAgain) {
  TempDir root;
  VolumeStore volumes(root.path());
  ASSERT_OK_AND_ASSIGN(const Volume made, volumes.Create({.name = "data", .labels = {{"a", "b"}}}));
  EXPECT_EQ(made.path, root.Path("volumes/data/_data"));
  EXPECT_FALSE(made.anonymous);
  ASSERT_OK_AND_ASSIGN(const Volume again, volumes.Create({.name = "data"}));
  EXPECT_EQ(again.labels, made.labels);
  EXPECT_EQ(again.created_at, made.created_at);
  ASSERT_OK_AND_ASSIGN(const Volume seen, volumes.Inspect("data"));
  EXPECT_EQ(seen.path, made.path);
  struct stat directory = {};
  ASSERT_EQ(stat(root.Path("volumes").c_str(), &directory), 0);
  EXPECT_EQ(directory.st_mode & 0777, 0700);
}

TEST(VolumeStore, NamesThatLeadAwayAreRefused) {
  TempDir root;
  VolumeStore volumes(root.path());
  const std::string bad[] = {
      "..", ".", ".new-x", "a/b", "-x", "a b", std::string("a\0b", 3), std::string(256, 'a')};
  for (const std::string& name : bad) {
    EXPECT_THAT(volumes.Create({.name = name}), StatusIs(absl::StatusCode::kInvalidArgument))
        << name;
    EXPECT_THAT(volumes.Inspect(name), StatusIs(absl::StatusCode::kNotFound)) << name;
    EXPECT_THAT(volumes.Remove(name, false, Nobody), StatusIs(absl::StatusCode::kNotFound)) << name;
  }
  EXPECT_FALSE(PathExists(root.Path("volumes")));
}

bool All(const Volume&) { return true; }
bool Anonymous(const Volume& volume) { return volume.anonymous; }

TEST(VolumeStore, AnonymousOnesArePruned) {
  TempDir root;
  VolumeStore volumes(root.path());
  ASSERT_OK_AND_ASSIGN(const Volume anonymous, volumes.Create({}));
  EXPECT_EQ(anonymous.name.size(), 64);
  EXPECT_TRUE(anonymous.anonymous);
  ASSERT_OK(volumes.Create({.name = "named"}));
  ASSERT_OK_AND_ASSIGN(const auto in_use, volumes.Prune(All, SomeContainer));
  EXPECT_THAT(in_use, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto pruned, volumes.Prune(Anonymous, Nobody));
  EXPECT_THAT(pruned, ElementsAre(anonymous.name));
  ASSERT_OK_AND_ASSIGN(const auto left, volumes.Prune(All, Nobody));
  EXPECT_THAT(left, ElementsAre("named"));
  EXPECT_THAT(ListDirectory(root.Path("volumes")).value(), IsEmpty());
}

TEST(VolumeStore, RemoveRefusesWhatIsInUse) {
  TempDir root;
  VolumeStore volumes(root.path());
  ASSERT_OK(volumes.Create({.name = "data"}));
  EXPECT_THAT(volumes.Remove("data", true, SomeContainer),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("abc")));
  EXPECT_OK(volumes.Remove("data", false, Nobody));
  EXPECT_THAT(volumes.Remove("data", false, Nobody), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(volumes.Remove("data", true, Nobody));
}

TEST(VolumeStore, WhatIsBeingTakenIsNotRemovedForWantOfUsers) {
  TempDir root;
  VolumeStore volumes(root.path());
  std::atomic<bool> recorded = false;
  const auto users_of = [&](absl::string_view) {
    return recorded ? std::vector<std::string>{"abc"} : std::vector<std::string>();
  };
  ASSERT_OK_AND_ASSIGN(UniqueFd use, volumes.LockForUse());
  ASSERT_OK_AND_ASSIGN(const Volume volume, volumes.Create({}));
  absl::StatusOr<std::vector<std::string>> pruned;
  std::thread pruner([&] { pruned = VolumeStore(root.path()).Prune(All, users_of); });
  recorded = true;
  use.Reset();
  pruner.join();
  ASSERT_OK(pruned);
  EXPECT_THAT(*pruned, IsEmpty());
  EXPECT_OK(volumes.Inspect(volume.name));
  // Nobody takes a volume while its users are looked for.
  recorded = false;
  const auto asked = [&](absl::string_view) {
    const UniqueFd folder(open(root.Path("volumes").c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_NE(flock(folder.get(), LOCK_SH | LOCK_NB), 0);
    return std::vector<std::string>();
  };
  ASSERT_OK(volumes.Create({.name = "named"}));
  EXPECT_OK(volumes.Remove("named", false, asked));
  ASSERT_OK_AND_ASSIGN(const auto rest, volumes.Prune(All, asked));
  EXPECT_THAT(rest, ElementsAre(volume.name));
}

TEST(VolumeStore, WhoseUsersAreNotKnownStays) {
  TempDir root;
  VolumeStore volumes(root.path());
  ASSERT_OK(volumes.Create({.name = "data"}));
  const auto unknown = [](absl::string_view) -> absl::StatusOr<std::vector<std::string>> {
    return absl::DataLossError("the records can't be read");
  };
  EXPECT_THAT(volumes.Remove("data", true, unknown), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(volumes.Prune(All, unknown), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(volumes.Inspect("data"));
  EXPECT_OK(volumes.RemoveOwn("data"));
  EXPECT_OK(volumes.RemoveOwn("data"));
  EXPECT_THAT(volumes.Inspect("data"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(VolumeStore, DamagedRecordsHarmNobodyElse) {
  TempDir root;
  VolumeStore volumes(root.path());
  ASSERT_OK(volumes.Create({.name = "good"}));
  ASSERT_OK(volumes.Create({.name = "torn"}));
  root.Write("volumes/torn/volume.json", "{\"created_at\": 3");
  std::vector<std::string> damaged;
  ASSERT_OK_AND_ASSIGN(const std::vector<Volume> listed, volumes.List(&damaged));
  ASSERT_EQ(listed.size(), 1);
  EXPECT_EQ(listed[0].name, "good");
  ASSERT_OK(MakeDirs(root.Path("volumes/void"), 0755));
  ASSERT_OK(volumes.List(&damaged));
  EXPECT_THAT(damaged, ElementsAre(HasSubstr("volume torn: "), HasSubstr("volume torn: "),
                                   "volume void: its volume.json is missing"));
  EXPECT_OK(volumes.Remove("torn", false, Nobody));
}

TEST(VolumeStore, BindOptionsNameTheFolder) {
  TempDir root;
  TempDir device;
  VolumeStore volumes(root.path());
  ASSERT_OK_AND_ASSIGN(
      const Volume volume,
      volumes.Create({.name = "host",
                      .options = {{"type", "none"}, {"o", "bind"}, {"device", device.path()}}}));
  EXPECT_EQ(volume.path, device.path());
  EXPECT_THAT(volumes.Create({.name = "nfs", .options = {{"type", "nfs"}}}),
              StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(VolumeStore, ManyProcessesMakeOneVolume) {
  TempDir root;
  std::vector<std::thread> threads;
  std::vector<absl::Time> created(8);
  for (absl::Time& time : created) {
    threads.emplace_back([&] {
      VolumeStore volumes(root.path());
      const absl::StatusOr<Volume> volume = volumes.Create({.name = "one"});
      ASSERT_OK(volume);
      time = volume->created_at;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Time time : created) EXPECT_EQ(time, created[0]);
  EXPECT_THAT(ListDirectory(root.Path("volumes")).value(), ElementsAre("one"));
}

TEST(VolumeStore, FillsFromTheRootOnly) {
  TempDir root;
  TempDir outside;
  TempDir rootfs;
  outside.Write("secret", "canary");
  ASSERT_EQ(mkdir(rootfs.Path("data").c_str(), 0750), 0);
  ASSERT_EQ(mkdir(rootfs.Path("data/sub").c_str(), 0700), 0);
  rootfs.Write("data/sub/file", "content", 0640);
  ASSERT_EQ(symlink(outside.path().c_str(), rootfs.Path("data/link").c_str()), 0);
  ASSERT_EQ(symlink(outside.path().c_str(), rootfs.Path("away").c_str()), 0);
  VolumeStore volumes(root.path());
  ASSERT_OK_AND_ASSIGN(const fs::RootedDir tree, fs::RootedDir::Open(rootfs.path()));

  ASSERT_OK_AND_ASSIGN(const Volume volume, volumes.Create({.name = "v"}));
  ASSERT_OK(volumes.FillFrom(volume, tree, "/data"));
  EXPECT_EQ(ReadFile(volume.path + "/sub/file").value(), "content");
  struct stat file = {};
  ASSERT_EQ(lstat((volume.path + "/link").c_str(), &file), 0);
  EXPECT_TRUE(S_ISLNK(file.st_mode));
  ASSERT_EQ(lstat(volume.path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0750);

  // What is there stays.
  ASSERT_EQ(unlink((volume.path + "/sub/file").c_str()), 0);
  ASSERT_OK(volumes.FillFrom(volume, tree, "/data"));
  EXPECT_FALSE(PathExists(volume.path + "/sub/file"));

  // A destination that is a link to the host's folder is the root's own folder of that name.
  ASSERT_OK_AND_ASSIGN(const Volume other, volumes.Create({.name = "w"}));
  ASSERT_OK(volumes.FillFrom(other, tree, "/away"));
  EXPECT_THAT(ListDirectory(other.path).value(), IsEmpty());
}

TEST(VolumeJson, RoundTrip) {
  Volume volume;
  volume.created_at = absl::FromUnixSeconds(1700000000);
  volume.labels = {{"k", "v \" \n"}};
  volume.anonymous = true;
  ASSERT_OK_AND_ASSIGN(const Volume back, ParseVolume(SerializeVolume(volume)));
  EXPECT_EQ(back.labels, volume.labels);
  EXPECT_EQ(back.created_at, volume.created_at);
  EXPECT_TRUE(back.anonymous);
  for (const char* text : {"", "[]", "{}", "{\"created_at\": \"yesterday\"}",
                           "{\"created_at\": \"2026-01-01T00:00:00Z\", \"labels\": [1]}"}) {
    EXPECT_THAT(ParseVolume(text), StatusIs(absl::StatusCode::kDataLoss)) << text;
  }
}

}  // namespace
}  // namespace tiny::runtime
