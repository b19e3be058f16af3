// Files of the host, volumes and tmpfs: `volume ...`, -v, --mount, --tmpfs, --volumes-from.
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "e2e/harness.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class VolumesTest : public TinyTest {
 protected:
  std::string Volumes() { return Tiny({"volume", "ls", "-q"}).out; }
  // What the container's mount table says of that folder.
  Result MountLine(const std::vector<std::string>& args, const std::string& folder) {
    std::vector<std::string> all = {"--rm"};
    all.insert(all.end(), args.begin(), args.end());
    all.insert(all.end(), {"grep", absl::StrCat(" ", folder, " "), "/proc/self/mountinfo"});
    return Run(all);
  }
};

TEST_F(VolumesTest, FromCreateToPrune) {
  EXPECT_THAT(Tiny({"volume", "create", "--label", "a=b", "data"}), Succeeds("data\n"));
  EXPECT_THAT(Tiny({"volume", "create", "data"}), Succeeds("data\n")) << "there already";
  EXPECT_THAT(Tiny({"volume", "create", "--name", "other"}), Succeeds("other\n"));
  EXPECT_THAT(Tiny({"volume", "create", "--name", "other", "third"}), FailsClearly(125, "--name"));
  EXPECT_EQ(Volumes(), "data\nother\n");
  EXPECT_THAT(Tiny({"volume", "ls", "-q", "-f", "label=a=b"}), Succeeds("data\n"));
  EXPECT_THAT(Tiny({"volume", "ls", "-q", "-f", "name=oth"}), Succeeds("other\n"));
  EXPECT_THAT(Tiny({"volume", "inspect", "-f", "{{.Name}} {{.Driver}} {{.Labels.a}}", "data"}),
              Succeeds("data local b\n"));
  EXPECT_THAT(Tiny({"volume", "inspect", "nobody"}).err, HasSubstr("no such volume: nobody"));
  EXPECT_THAT(Tiny({"volume", "rm", "nobody"}), FailsClearly(1, "nobody"));
  EXPECT_EQ(Tiny({"volume", "rm", "-f", "nobody"}).code, 0);
  EXPECT_THAT(Tiny({"volume", "prune", "-f"}).out, Not(HasSubstr("data")));
  EXPECT_THAT(Tiny({"volume", "rm", "other"}), Succeeds("other\n"));
  EXPECT_THAT(Tiny({"volume", "prune", "-a", "-f"}).out, HasSubstr("data"));
  EXPECT_EQ(Volumes(), "");
}

TEST_F(VolumesTest, PrunesHeedTheirFilters) {
  const std::string kept = Tiny({"volume", "create", "--label", "keep=1"}).out;
  const std::string other = Tiny({"volume", "create"}).out;
  for (const char* command : {"system", "volume"}) {
    const std::vector<std::string> prune = {command, "prune", "-f", "--filter", "label=nosuch"};
    EXPECT_THAT(Tiny(prune), Succeeds("Total reclaimed space: 0B\n")) << command;
  }
  EXPECT_THAT(Tiny({"system", "prune", "-f", "--volumes", "--filter", "label!=keep"}).out,
              HasSubstr(other));
  EXPECT_EQ(Volumes(), kept);
  EXPECT_THAT(Tiny({"system", "prune", "-f", "--volumes", "--filter", "until=1h"}),
              FailsClearly(125, "until"));
  EXPECT_THAT(Tiny({"volume", "prune", "--filter", "label=keep"}, "n\n"), Succeeds(""));
  EXPECT_EQ(Volumes(), kept);
  EXPECT_THAT(Tiny({"volume", "prune", "--filter", "label=keep"}), FailsClearly(1, "answer"));
  EXPECT_THAT(Tiny({"volume", "prune", "--filter", "label=keep"}, "y\n").out, HasSubstr(kept));
  EXPECT_EQ(Volumes(), "");
}

TEST_F(VolumesTest, ANamedVolumeOutlivesItsContainers) {
  EXPECT_EQ(Run({"--rm", "-v", "data:/data", "sh", "-c", "echo kept > /data/file"}).code, 0);
  EXPECT_EQ(Volumes(), "data\n");
  EXPECT_THAT(Run({"--rm", "--mount", "type=volume,src=data,dst=/d,ro", "sh", "-c",
                   "cat /d/file; touch /d/x 2>/dev/null || echo read-only"}),
              Succeeds("kept\nread-only\n"));
  const std::string id = Detached({"-v", "data:/data", "sleep", "1000"});
  EXPECT_THAT(Tiny({"volume", "rm", "data"}), FailsClearly(1, "data"));
  EXPECT_THAT(Tiny({"volume", "prune", "-a", "-f"}).out, Not(HasSubstr("data")));
  EXPECT_EQ(Tiny({"rm", "-f", "-v", id}).code, 0);
  EXPECT_EQ(Volumes(), "data\n") << "-v is for those without a name";
  EXPECT_EQ(Tiny({"volume", "rm", "data"}).code, 0);
}

TEST_F(VolumesTest, OneThatIsBeingTakenIsNotPruned) {
  std::vector<pid_t> running;
  for (int i = 0; i < 12; ++i) {
    running.push_back(Spawn(RunArgs({"--rm", "-v", "/anonymous", "true"})));
    running.push_back(Spawn({"volume", "prune", "-f"}));
    running.push_back(Spawn(RunArgs({"--rm", "-v", absl::StrCat("named", i, ":/named"), "true"})));
    running.push_back(Spawn({"volume", "prune", "-af"}));
  }
  for (const pid_t pid : running) {
    const Result result = Finish(pid);
    EXPECT_EQ(result.code, 0) << result.err;
  }
  EXPECT_EQ(Tiny({"volume", "prune", "-af"}).code, 0);
  EXPECT_EQ(Volumes(), "");
}

// The usual way to fill a volume, and to look into one.
TEST_F(VolumesTest, FilesAreCopiedToAndFromContainersThatDoNotRun) {
  const testing::TempDir dir;
  dir.Write("file", "in\n");
  dir.Write("bound/there", "bound\n");
  dir.Write("root/etc/passwd", "");
  const std::string bind = dir.Path("bound") + ":/bound";
  const auto volume = [&](const std::string& path) {
    return ReadFile(RootPath() + "/volumes/data/_data/" + path).value_or("");
  };
  for (const std::string& root : {std::string("/:O"), dir.Path("root")}) {
    SCOPED_TRACE(root);
    EXPECT_EQ(Tiny({"create", "--name", "box", "--network", "none", "-v", "data:/data", "-v",
                    "/own", "-v", bind, "-v", "data:/ro:ro", "--rootfs", root, "true"})
                  .code,
              0);
    EXPECT_EQ(Tiny({"cp", dir.Path("file"), "box:/data"}).err, "");
    EXPECT_EQ(volume("file"), "in\n");
    EXPECT_EQ(Tiny({"cp", dir.Path("root"), "box:/data/tree"}).err, "");
    EXPECT_TRUE(PathExists(RootPath() + "/volumes/data/_data/tree/etc/passwd"));
    EXPECT_EQ(Tiny({"cp", dir.Path("file"), "box:/bound/made"}).err, "");
    EXPECT_THAT(ReadFile(dir.Path("bound/made")).value_or(""), "in\n");
    EXPECT_EQ(Tiny({"cp", dir.Path("file"), "box:/own/one"}).err, "");
    for (const char* path : {"/data/file", "/ro/file", "/bound/made", "/own/one"}) {
      EXPECT_EQ(Tiny({"cp", absl::StrCat("box:", path), dir.Path("out")}).err, "") << path;
      EXPECT_EQ(ReadFile(dir.Path("out")).value_or(""), "in\n") << path;
      unlink(dir.Path("out").c_str());
    }
    EXPECT_THAT(Tiny({"cp", dir.Path("file"), "box:/ro/x"}), FailsClearly(1, "EROFS"));
    // Nothing of it is in the root, and it is what a start finds.
    EXPECT_FALSE(PathExists(dir.Path("root/data/file")));
    EXPECT_FALSE(PathExists("/data"));
    EXPECT_EQ(Tiny({"rm", "-v", "box"}).code, 0);
    EXPECT_EQ(Tiny({"volume", "rm", "data"}).code, 0);
    EXPECT_EQ(Volumes(), "");
  }
  // A link in the root, or in a volume, leads nowhere else.
  dir.Write("canary", "canary\n");
  EXPECT_EQ(symlink(dir.Path("canary").c_str(), dir.Path("root/link").c_str()), 0);
  EXPECT_EQ(Tiny({"volume", "create", "data"}).code, 0);
  EXPECT_EQ(symlink("..", (RootPath() + "/volumes/data/_data/up").c_str()), 0);
  EXPECT_EQ(Tiny({"create", "--name", "box", "--network", "none", "-v", "data:/data", "--rootfs",
                  dir.Path("root"), "true"})
                .code,
            0);
  EXPECT_THAT(Tiny({"cp", "-L", "box:/link", dir.Path("out")}), FailsClearly(1, "/link"));
  EXPECT_EQ(Tiny({"cp", dir.Path("file"), "box:/data/up/beside"}).err, "");
  EXPECT_EQ(ReadFile(dir.Path("root/beside")).value_or(""), "in\n");
  // A throw-away root takes nothing.
  EXPECT_EQ(Tiny({"create", "--name", "away", "--network", "none", "-v", "data:/data", "--rootfs",
                  "/:O", "true"})
                .code,
            0);
  const Result away = Tiny({"cp", dir.Path("file"), "away:/opt/file"});
  EXPECT_THAT(away, FailsClearly(1, "EROFS"));
  EXPECT_THAT(away.err, HasSubstr("tiny start away"));
  EXPECT_EQ(Tiny({"rm", "box", "away"}).code, 0);
  EXPECT_EQ(Tiny({"volume", "rm", "data"}).code, 0);
}

TEST_F(VolumesTest, AnAnonymousOneGoesWithItsContainer) {
  EXPECT_EQ(Run({"--rm", "-v", "/data", "touch", "/data/x"}).code, 0);
  EXPECT_EQ(Volumes(), "");
  const std::string first = Detached({"-v", "/data", "sleep", "1000"});
  EXPECT_EQ(Tiny({"rm", "-f", "-v", first}).code, 0);
  EXPECT_EQ(Volumes(), "");
  const std::string second = Detached({"--mount", "type=volume,dst=/data", "sleep", "1000"});
  EXPECT_EQ(Tiny({"rm", "-f", second}).code, 0);
  EXPECT_THAT(Volumes(), MatchesRegex("[0-9a-f]{64}\n"));
  EXPECT_THAT(Tiny({"volume", "ls", "-q", "-f", "dangling=true"}).out, Volumes());
  EXPECT_EQ(Tiny({"volume", "prune", "-f"}).code, 0);
  EXPECT_EQ(Volumes(), "");
}

TEST_F(VolumesTest, BindsFoldersOfTheHost) {
  const testing::TempDir dir;
  dir.Write("file", "inside\n");
  EXPECT_THAT(Run({"--rm", "-v", dir.path() + ":/d", "cat", "/d/file"}), Succeeds("inside\n"));
  EXPECT_THAT(
      Run({"--rm", "--mount", "type=bind,source=" + dir.path() + ",target=/d", "cat", "/d/file"}),
      Succeeds("inside\n"));
  EXPECT_THAT(Run({"--rm", "-v", dir.Path("file") + ":/etc/one:ro", "cat", "/etc/one"}),
              Succeeds("inside\n"))
      << "a file";
  EXPECT_EQ(Run({"--rm", "-v", dir.Path("made/here") + ":/d", "touch", "/d/x"}).code, 0);
  EXPECT_TRUE(PathExists(dir.Path("made/here/x"))) << "-v makes the folder";
  EXPECT_THAT(Run({"--rm", "--mount", "type=bind,src=" + dir.Path("no") + ",dst=/d", "true"}),
              FailsClearly(125, dir.Path("no")));
  EXPECT_FALSE(PathExists(dir.Path("no"))) << "--mount does not";
}

TEST_F(VolumesTest, AFileAndAFolderDoNotGoOnEachOther) {
  const testing::TempDir dir;
  dir.Write("file", "");
  const Result file = Run({"--rm", "-v", dir.Path("file") + ":/etc", "true"});
  EXPECT_THAT(file, FailsClearly(125, absl::StrCat("bind ", dir.Path("file"), " on /etc")));
  EXPECT_THAT(file.err, HasSubstr(absl::StrCat("\nhint: ", dir.Path("file"),
                                               " is a file and /etc a folder in the container: ")));
  EXPECT_THAT(file.err, HasSubstr("the file on /etc/file\n"));
  const std::vector<std::string> mount = {
      "--rm", "--mount", absl::StrCat("type=bind,src=", dir.path(), ",dst=/etc/passwd"), "true"};
  const Result folder = Run(mount);
  EXPECT_THAT(folder, FailsClearly(125, absl::StrCat("bind ", dir.path(), " on /etc/passwd")));
  EXPECT_THAT(folder.err,
              HasSubstr(absl::StrCat("\nhint: ", dir.path(),
                                     " is a folder and /etc/passwd a file in the container: ")));
}

TEST_F(VolumesTest, PropagationAndReadOnly) {
  const testing::TempDir dir;
  EXPECT_THAT(MountLine({"-v", dir.path() + ":/d"}, "/d").out,
              AllOf(HasSubstr("rw"), Not(HasSubstr("shared:")), Not(HasSubstr("master:"))));
  EXPECT_THAT(MountLine({"-v", dir.path() + ":/d:ro"}, "/d").out, HasSubstr(" /d ro"));
  EXPECT_THAT(MountLine({"-v", dir.path() + ":/d:rslave"}, "/d").out, Not(HasSubstr("shared:")));
  EXPECT_THAT(Run({"--rm", "-v", dir.path() + ":/d", "-v", "/x:/d", "true"}),
              FailsClearly(125, "/d"));
}

TEST_F(VolumesTest, Tmpfs) {
  EXPECT_THAT(MountLine({"--tmpfs", "/t:size=1m,mode=1700"}, "/t").out,
              AllOf(HasSubstr("nosuid"), HasSubstr("nodev"), HasSubstr("noexec"),
                    HasSubstr("size=1024k"), HasSubstr("mode=1700")));
  EXPECT_THAT(MountLine({"--mount", "type=tmpfs,dst=/t,tmpfs-size=2m"}, "/t").out,
              HasSubstr("size=2048k"));
  // What it covers says who may write there.
  const testing::TempDir dir;
  EXPECT_EQ(mkdir(dir.Path("sealed").c_str(), 0711), 0);
  const std::vector<std::string> words = {
      "run",     "--rm",    "--network", "none",     "-v",       "/:/host:ro",        "--tmpfs",
      "/sealed", "--tmpfs", "/new",      "--rootfs", dir.path(), "/host/bin/busybox", "stat",
      "-c",      "%a",      "/sealed",   "/new"};
  EXPECT_THAT(Tiny(words), Succeeds("711\n1777\n"));
  EXPECT_NE(
      Run({"--rm", "--tmpfs", "/t:size=64k", "dd", "if=/dev/zero", "of=/t/x", "bs=64k", "count=2"})
          .code,
      0);
}

TEST_F(VolumesTest, ReadOnlyRoot) {
  EXPECT_THAT(Run({"--rm", "--read-only", "--tmpfs", "/t", "sh", "-c",
                   "touch /x 2>/dev/null || echo no; touch /t/x && echo yes"}),
              Succeeds("no\nyes\n"));
}

TEST_F(VolumesTest, FromAnotherContainer) {
  const std::string id = Detached({"-v", "/data", "-v", "named:/n", "sleep", "1000"});
  EXPECT_EQ(Run({"--rm", "--volumes-from", id, "sh", "-c", "echo a > /data/x; echo b > /n/x"}).code,
            0);
  EXPECT_THAT(Tiny({"exec", id, "cat", "/data/x", "/n/x"}), Succeeds("a\nb\n"))
      << "and they outlive the second container";
  EXPECT_NE(Run({"--rm", "--volumes-from", id + ":ro", "touch", "/data/y"}).code, 0);
  EXPECT_EQ(Tiny({"rm", "-f", "-v", id}).code, 0);
  EXPECT_EQ(Tiny({"volume", "rm", "named"}).code, 0);
}

TEST_F(VolumesTest, InspectTellsOfThem) {
  const testing::TempDir dir;
  const std::string id = Detached({"-v", dir.path() + ":/b:ro", "-v", "named:/n", "sleep", "1000"});
  EXPECT_EQ(Inspect(id, "{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}};{{end}}"),
            "bind /b false;volume /n true;");
  EXPECT_EQ(Tiny({"ps", "-q", "-f", "volume=named", "--no-trunc"}).out, id + "\n");
  EXPECT_EQ(Tiny({"ps", "-q", "-f", "volume=other"}).out, "");
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
  EXPECT_EQ(Tiny({"volume", "rm", "named"}).code, 0);
}

}  // namespace
}  // namespace tiny::e2e
