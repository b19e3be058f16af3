#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/unique_fd.h"
#include "runtime/files/container_files.h"
#include "runtime/files/tar_format.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

class ContainerTar : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"root", "root/dir", "other", "other/into", "canary"}) {
      ASSERT_EQ(mkdir(dir_.Path(name).c_str(), 0755), 0);
    }
    dir_.Write("canary/secret", "canary");
    root_ = Open("root");
    other_ = Open("other");
    options_.container_uid = getuid();
    options_.container_gid = getgid();
  }
  void TearDown() override {
    EXPECT_EQ(ReadFile(dir_.Path("canary/secret")).value(), "canary");
    EXPECT_THAT(ListDirectory(dir_.Path("canary")).value(), ElementsAre("secret"));
  }
  std::unique_ptr<fs::RootedDir> Open(absl::string_view name) {
    absl::StatusOr<fs::RootedDir> root = fs::RootedDir::Open(dir_.Path(name));
    EXPECT_OK(root);
    return std::make_unique<fs::RootedDir>(*std::move(root));
  }
  UniqueFd Stream(absl::string_view contents = "") {
    UniqueFd fd(memfd_create("stream", MFD_CLOEXEC));
    EXPECT_OK(WriteAll(fd.get(), contents, "stream"));
    lseek(fd.get(), 0, SEEK_SET);
    return fd;
  }
  absl::Status Extract(absl::string_view stream) {
    const UniqueFd fd = Stream(stream);
    return ExtractTar(fd.get(), *other_, "/into", options_);
  }
  static std::string Member(TarMember member, absl::string_view contents = "") {
    member.mode = member.mode == 0 ? 0644 : member.mode;
    member.size = contents.size();
    return absl::StrCat(RenderTarHeader(member), contents,
                        std::string(TarPadding(contents.size()), '\0'));
  }
  static std::string End() { return std::string(1024, '\0'); }

  TempDir dir_;
  std::unique_ptr<fs::RootedDir> root_;
  std::unique_ptr<fs::RootedDir> other_;
  CopyOptions options_;
};

TEST_F(ContainerTar, RoundTrip) {
  const std::string large(300000, 'x');
  const std::string long_name(180, 'n');
  dir_.Write("root/dir/large", large, 0600);
  dir_.Write("root/dir/empty", "");
  dir_.Write("root/dir/" + long_name, "long");
  ASSERT_EQ(symlink(("/" + std::string(150, 't')).c_str(), dir_.Path("root/dir/link").c_str()), 0);
  ASSERT_EQ(link(dir_.Path("root/dir/large").c_str(), dir_.Path("root/dir/same").c_str()), 0);
  const UniqueFd stream = Stream();
  ASSERT_OK(WriteTar(*root_, "/dir", stream.get(), {}));
  lseek(stream.get(), 0, SEEK_SET);
  ASSERT_OK(ExtractTar(stream.get(), *other_, "/into", options_));
  const std::string made = dir_.Path("other/into/dir/");
  EXPECT_EQ(ReadFile(made + "large").value(), large);
  EXPECT_EQ(ReadFile(made + long_name).value(), "long");
  EXPECT_EQ(ReadFile(made + "empty").value(), "");
  struct stat large_file = {};
  struct stat same_file = {};
  ASSERT_EQ(stat((made + "large").c_str(), &large_file), 0);
  ASSERT_EQ(stat((made + "same").c_str(), &same_file), 0);
  EXPECT_EQ(large_file.st_ino, same_file.st_ino);
  EXPECT_EQ(large_file.st_mode & 0777, 0600);
  char target[200] = {};
  EXPECT_EQ(readlink((made + "link").c_str(), target, sizeof(target)), 151);
}

TEST_F(ContainerTar, OtherTarsReadIt) {
  if (access("/bin/tar", X_OK) != 0) GTEST_SKIP() << "no tar here to compare with";
  dir_.Write("root/dir/file", "content");
  dir_.Write("root/dir/" + std::string(200, 'n'), "long");
  const std::string archive = dir_.Path("archive.tar");
  {
    const UniqueFd out(open(archive.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_OK(ExportTar(*root_, out.get()));
  }
  const std::string made = dir_.Path("canary/../made");
  ASSERT_EQ(mkdir(made.c_str(), 0755), 0);
  ASSERT_EQ(system(absl::StrCat("tar -xf ", archive, " -C ", made).c_str()), 0);
  EXPECT_EQ(ReadFile(made + "/dir/file").value(), "content");
  EXPECT_EQ(ReadFile(made + "/dir/" + std::string(200, 'n')).value(), "long");

  // And the other way round, in both of its formats.
  for (const char* format : {"gnu", "pax", "ustar"}) {
    SCOPED_TRACE(format);
    if (absl::string_view(format) == "ustar")
      unlink((made + "/dir/" + std::string(200, 'n')).c_str());
    ASSERT_EQ(
        system(
            absl::StrCat("tar -c --format=", format, " -f ", archive, " -C ", made, " .").c_str()),
        0);
    ASSERT_OK(RemoveTree(dir_.Path("other/into")));
    ASSERT_EQ(mkdir(dir_.Path("other/into").c_str(), 0755), 0);
    const UniqueFd in(open(archive.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_OK(ExtractTar(in.get(), *other_, "/into", options_));
    EXPECT_EQ(ReadFile(dir_.Path("other/into/dir/file")).value(), "content");
  }
}

TEST_F(ContainerTar, MembersStayInTheRoot) {
  const std::string canary = dir_.Path("canary");
  EXPECT_THAT(Extract(Member({.name = "../../canary/x"}, "x") + End()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("leads out")));
  EXPECT_THAT(Extract(Member({.name = "a/../../../canary/x"}, "x") + End()),
              StatusIs(absl::StatusCode::kInvalidArgument));
  // An absolute name is one in the destination.
  ASSERT_OK(Extract(Member({.name = canary + "/planted"}, "x") + End()));
  EXPECT_EQ(ReadFile(dir_.Path("other/into") + canary + "/planted").value(), "x");
  // A link first, a file through it then.
  const std::string through =
      Member({.type = TarMember::Type::kSymlink, .name = "link", .link = canary}) +
      Member({.name = "link/secret"}, "changed") + End();
  Extract(through).IgnoreError();
  // A link in the place of a file is replaced, not written through.
  ASSERT_EQ(symlink((canary + "/secret").c_str(), dir_.Path("other/into/file").c_str()), 0);
  ASSERT_OK(Extract(Member({.name = "file"}, "mine") + End()));
  EXPECT_EQ(ReadFile(dir_.Path("other/into/file")).value(), "mine");
  // A hard link to the canary would let a later member write into it.
  EXPECT_FALSE(Extract(Member({.type = TarMember::Type::kHardLink,
                               .name = "hard",
                               .link = "../../canary/secret"}) +
                       End())
                   .ok());
}

// The header holds the first 100 bytes of a longer name: one that ends in a slash there is a file's
// all the same.
TEST_F(ContainerTar, LongNamesOfAnyLength) {
  for (size_t length = 90; length < 112; ++length) {
    const std::string name = std::string(length, 'd') + "/file";
    ASSERT_OK(Extract(Member({.name = name}, "x") + End())) << length;
    EXPECT_EQ(ReadFile(dir_.Path("other/into/") + name).value(), "x") << length;
  }
}

TEST_F(ContainerTar, DamagedStreams) {
  const std::string good = Member({.name = "file"}, "content") + End();
  for (const size_t length : {size_t{0}, size_t{100}, size_t{512}, size_t{600}, size_t{1024}}) {
    EXPECT_THAT(Extract(good.substr(0, length)), StatusIs(absl::StatusCode::kInvalidArgument))
        << length;
  }
  std::string changed = good;
  changed[3] ^= 1;
  EXPECT_THAT(Extract(changed), StatusIs(absl::StatusCode::kInvalidArgument));
  std::string label = Member({.name = "disk"});
  label[156] = 'V';  // a volume's, with the checksum that goes with it
  label.replace(148, 6,
                absl::StrFormat("%06o", std::stoul(label.substr(148, 6), nullptr, 8) + 'V' - '0'));
  EXPECT_THAT(Extract(label + End()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("disk: a member of the unknown kind 'V'")));
  const UniqueFd stream = Stream(good);
  EXPECT_THAT(ExtractTar(stream.get(), *other_, "/none", options_),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ContainerTar, CompressedStreamsAreNamed) {
  const std::pair<std::string, const char*> kStreams[] = {
      {"\x1f\x8b\x08", "zcat"},        {"BZh91AY", "bzcat"},           {"\xfd\x37zXZ", "xzcat"},
      {"\x28\xb5\x2f\xfd", "zstdcat"}, {"\x04\x22\x4d\x18", "lz4cat"},
  };
  for (const auto& [beginning, program] : kStreams) {
    for (const size_t length : {size_t{20}, size_t{2000}}) {
      const absl::Status status = Extract(beginning + std::string(length, 'z'));
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("compressed by")));
      EXPECT_THAT(GetHint(status), HasSubstr(program));
    }
  }
  // A file may have such a name.
  EXPECT_THAT(Extract(Member({.name = "BZh9"}, "x") + "damaged"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ends in a member")));
}

TEST_F(ContainerTar, FifosAndModesAreKept) {
  ASSERT_OK(Extract(Member({.type = TarMember::Type::kFifo, .name = "fifo", .mode = 0620}) +
                    Member({.name = "tool", .mode = 04755}, "x") + End()));
  struct stat file = {};
  ASSERT_EQ(stat(dir_.Path("other/into/fifo").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode, S_IFIFO | 0620u);
  ASSERT_EQ(stat(dir_.Path("other/into/tool").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode, S_IFREG | 04755u);
}

TEST(TarFormat, NumbersThatDoNotFit) {
  TarMember member{.name = "big", .size = uint64_t{20} << 30, .mode = 0644, .uid = 3000000000};
  const std::string header = RenderTarHeader(member);
  ASSERT_EQ(header.size(), 3 * kTarBlock);
  ASSERT_OK_AND_ASSIGN(const TarHeader extended, ParseTarHeader(header.substr(0, kTarBlock)));
  EXPECT_EQ(extended.type_flag, 'x');
  TarMember read;
  ASSERT_OK(ApplyPaxRecords(header.substr(kTarBlock, extended.member.size), read));
  EXPECT_EQ(read.size, member.size);
  EXPECT_EQ(read.uid, member.uid);
}

TEST(TarFormat, BadRecords) {
  TarMember member;
  for (const char* records : {"x", "5 a=b", "99 path=x\n", "9 path=x", "11 size=abc\n", "4 a\n",
                              "0 path=x\n", "18446744073709551615 a=b\n"}) {
    EXPECT_THAT(ApplyPaxRecords(records, member), StatusIs(absl::StatusCode::kInvalidArgument))
        << records;
  }
  EXPECT_OK(ApplyPaxRecords("13 path=ab/c\n", member));
  EXPECT_OK(ApplyPaxRecords("", member));
}

}  // namespace
}  // namespace tiny::runtime
