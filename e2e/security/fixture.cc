#include "e2e/security/fixture.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

namespace stdfs = std::filesystem;

std::string BuiltProgram(const std::string& path) { return stdfs::absolute(path).string(); }

std::string Describe(const std::string& path) {
  struct stat file = {};
  if (lstat(path.c_str(), &file) != 0) return absl::StrCat(path, " is gone\n");
  char names[1024];
  const ssize_t attributes = llistxattr(path.c_str(), names, sizeof(names));
  std::string text =
      absl::StrCat(path, " ", file.st_mode, " ", file.st_uid, ":", file.st_gid, " ", file.st_nlink,
                   " ", file.st_rdev, " ", file.st_mtim.tv_sec, ".", file.st_mtim.tv_nsec, " ",
                   file.st_ctim.tv_sec, ".", file.st_ctim.tv_nsec, " ", attributes, "\n");
  if (S_ISREG(file.st_mode)) absl::StrAppend(&text, ReadFile(path).value_or("unreadable"), "\n");
  if (S_ISLNK(file.st_mode)) absl::StrAppend(&text, stdfs::read_symlink(path).string(), "\n");
  return text;
}

}  // namespace

std::map<std::string, std::string> Table(const std::string& text) {
  std::map<std::string, std::string> table;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    table.insert(parts);
  }
  return table;
}

void SecurityTest::SetUp() {
  TinyTest::SetUp();
  if (!testing::HavePrivilege()) return;
  ASSERT_OK(MakeDirs(Path("canary/dir"), 0755));
  for (const char* name : {"secret", "ptmx", "null", "resolv.conf", "passwd", "dir/file"}) {
    files_.Write(absl::StrCat("canary/", name), absl::StrCat(kToken, "\n"));
  }
  MakeRoot();
  before_ = Snapshot();
  mounts_ = ReadFile("/proc/self/mountinfo").value();
}

void SecurityTest::TearDown() {
  if (!before_.empty()) {
    EXPECT_EQ(Snapshot(), before_);
    EXPECT_EQ(ReadFile("/proc/self/mountinfo").value(), mounts_);
  }
  TinyTest::TearDown();
}

std::string SecurityTest::Snapshot() const {
  std::vector<std::string> paths = {Canary()};
  for (const auto& entry : stdfs::recursive_directory_iterator(Canary())) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  std::string text;
  for (const std::string& path : paths) absl::StrAppend(&text, Describe(path));
  return text;
}

void SecurityTest::MakeRoot() {
  ASSERT_OK(RemoveTree(Root()));
  for (const char* folder : {"bin", "etc", "tmp", "root"}) {
    ASSERT_OK(MakeDirs(absl::StrCat(Root(), "/", folder), 0755));
  }
  ASSERT_EQ(chmod(Root().c_str(), 0755), 0);
  stdfs::copy_file("/bin/busybox", Root() + "/bin/busybox");
  stdfs::copy_file(BuiltProgram("e2e/security/probe"), Root() + "/bin/probe");
  for (const char* applet :
       {"cat",   "chmod", "chown", "echo",  "env", "grep",  "hostname", "id",    "kill", "ln", "ls",
        "mkdir", "mv",    "rm",    "rmdir", "sh",  "sleep", "stat",     "touch", "true", "wc"}) {
    ASSERT_EQ(symlink("busybox", absl::StrCat(Root(), "/bin/", applet).c_str()), 0);
  }
  WriteIn("/etc/passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n");
  WriteIn("/etc/group", "root:x:0:\nuser:x:1000:\nextra:x:1001:user\n");
}

void SecurityTest::Plant(const std::string& path, const std::string& target) {
  const std::string place = Root() + path;
  ASSERT_OK(MakeDirs(place.substr(0, place.rfind('/')), 0755));
  ASSERT_OK(RemoveTree(place));
  ASSERT_EQ(symlink(target.c_str(), place.c_str()), 0) << place;
}

void SecurityTest::WriteIn(const std::string& path, const std::string& text, mode_t mode) {
  files_.Write("root" + path, text, mode);
}

std::vector<std::string> SecurityTest::RootArgs(const std::vector<std::string>& args) const {
  std::vector<std::string> all = {"--rm", "--rootfs", Root()};
  all.insert(all.end(), args.begin(), args.end());
  return RunArgs(all);
}

Result SecurityTest::RunRoot(const std::vector<std::string>& args) { return Tiny(RootArgs(args)); }

std::vector<std::string> SecurityTest::Oci(const std::vector<std::string>& args) const {
  std::vector<std::string> all = {BuiltProgram("oci/cli/tiny-oci"), "--root", Path("oci")};
  all.insert(all.end(), args.begin(), args.end());
  return all;
}

std::vector<std::string> SecurityTest::Bundle(const std::vector<std::string>& args,
                                              const Change& change) {
  const std::string id = absl::StrCat("bundle", ++bundles_);
  const std::string bundle = Path(id);
  EXPECT_OK(MakeDirs(bundle, 0755));
  EXPECT_EQ(RunProgram(Oci({"spec", "--bundle", bundle})).code, 0);
  nlohmann::json config = nlohmann::json::parse(ReadFile(bundle + "/config.json").value());
  config["process"]["terminal"] = false;
  config["process"]["args"] = args;
  config["root"] = {{"path", Root()}, {"readonly", false}};
  config["linux"]["cgroupsPath"] = absl::StrCat(cgroup_parent(), "/", id);
  if (change != nullptr) change(config);
  files_.Write(id + "/config.json", config.dump());
  return Oci({"run", "--bundle", bundle, id});
}

Result SecurityTest::RunOci(const std::vector<std::string>& args, const Change& change) {
  return RunProgram(Bundle(args, change));
}

}  // namespace tiny::e2e
