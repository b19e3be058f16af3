// Root file systems, volumes and configurations that lead elsewhere, through the real binaries.
// fs/mount_hostile_kernel_test.cc has the same at the level of the library.
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "e2e/security/fixture.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Paths = SecurityTest;

MATCHER(RunsOrIsRefused, "") { return arg.code == 0 || arg.code == 125; }

TEST_F(Paths, P01_E16_TargetsThatAreLinks) {
  const std::string links[] = {Canary(), absl::StrCat("../../../../../../..", Canary()),
                               absl::StrCat("/proc/self/root", Canary()), "/proc/1/cwd", "loop"};
  for (const std::string target :
       {"/proc", "/sys", "/dev", "/etc/resolv.conf", "/etc", "/volume"}) {
    for (const std::string& link : links) {
      SCOPED_TRACE(absl::StrCat(target, " -> ", link));
      MakeRoot();
      Plant(target, link == "loop" ? target : link);
      const Result result = RunRoot({"-v", absl::StrCat(Path("bundle"), ":/volume/deep"), "--tmpfs",
                                     "/tmp/scratch", "-w", "/tmp/work", "cat", "/canary/secret",
                                     "/volume/deep/secret", "/etc/secret"});
      EXPECT_THAT(result.out, Not(HasSubstr(kToken)));
      EXPECT_THAT(result.code, AnyOf(1, 125)) << result.err;
    }
  }
}

TEST_F(Paths, P01_StartedAgainOverLinksThatItMade) {
  // A container that leaves links where the next start mounts.
  const Result created =
      Tiny(RunArgs({"--name", "again", "--rootfs", Root(), "sh", "-c",
                    absl::StrCat("for f in proc sys dev; do rmdir /$f; ln -s ", Canary(),
                                 " /$f; done; rm -rf /etc; ln -s ", Canary(), " /etc; true")}));
  EXPECT_EQ(created.code, 0) << created.err;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Tiny({"start", "-a", "again"}).code, AnyOf(0, 1, 125));
  }
  for (const char* name : {"proc", "sys", "dev"}) {
    ASSERT_OK(RemoveTree(absl::StrCat(Root(), "/", name)));
    Plant(absl::StrCat("/", name), Canary());
  }
  EXPECT_NE(Tiny({"start", "-a", "again"}).code, 0);
  EXPECT_EQ(Tiny({"rm", "again"}).code, 0);
}

TEST_F(Paths, P03_NothingCoversProcfs) {
  for (const char* target : {"/proc", "/proc/sys/kernel", "/proc/self/attr", "/tmp/../proc/1"}) {
    const Result result = RunRoot({"-v", absl::StrCat(Canary(), ":", target), "true"});
    EXPECT_EQ(result.code, 125) << target;
    EXPECT_THAT(result.err, AnyOf(HasSubstr("procfs"), HasSubstr("inside /proc"))) << target;
    EXPECT_NE(RunOci({"true"},
                     [&](nlohmann::json& config) {
                       config["mounts"].push_back({{"destination", target},
                                                   {"type", "bind"},
                                                   {"source", Canary()},
                                                   {"options", {"bind"}}});
                     })
                  .code,
              0)
        << target;
  }
}

TEST_F(Paths, P04_ProcAndSysAreOrdinaryFolders) {
  for (const char* name : {"/proc", "/sys"}) {
    MakeRoot();
    ASSERT_OK(MakeDirs(Root() + "/elsewhere", 0755));
    Plant(name, "/elsewhere");
    for (const Result& result : {RunRoot({"true"}), RunOci({"true"})}) {
      EXPECT_NE(result.code, 0);
      EXPECT_THAT(result.err, HasSubstr("ordinary directory"));
    }
  }
}

TEST_F(Paths, P07_MaskSourcesOfTheRootsOwn) {
  const std::string before = ReadFile("/proc/sys/kernel/core_pattern").value();
  const auto no_dev = [](nlohmann::json& config) {
    auto& mounts = config["mounts"];
    for (auto it = mounts.begin(); it != mounts.end();) {
      it = absl::StartsWith((*it)["destination"].get<std::string>(), "/dev") ? mounts.erase(it)
                                                                             : it + 1;
    }
  };
  const std::string null = Root() + "/dev/null";
  for (const std::string kind : {"link", "canary", "file", "other device", "fifo", "missing"}) {
    MakeRoot();
    ASSERT_OK(MakeDirs(Root() + "/dev", 0755));
    if (kind == "link") Plant("/dev/null", "/proc/sys/kernel/core_pattern");
    if (kind == "canary") Plant("/dev/null", absl::StrCat("../../../../../..", Canary(), "/null"));
    if (kind == "file") WriteIn("/dev/null", "");
    if (kind == "other device") {
      ASSERT_EQ(mknod(null.c_str(), S_IFCHR | 0666, 0x105), 0);
    }
    if (kind == "fifo") {
      ASSERT_EQ(mkfifo(null.c_str(), 0666), 0);
    }
    const Result result = RunOci({"stat", "-c", "%t:%T", "/proc/keys"}, no_dev);
    if (result.code == 0) {
      EXPECT_EQ(result.out, "1:3\n") << kind;
    }
    EXPECT_EQ(result.code == 0, kind == "missing") << kind << result.err;
  }
  EXPECT_EQ(ReadFile("/proc/sys/kernel/core_pattern").value(), before);
}

TEST_F(Paths, P08_TerminalsOfTheRootsOwn) {
  // The path of a socket has to be short.
  const std::string socket_path = absl::StrCat("/tmp/console.", getpid());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {.sun_family = AF_UNIX};
  socket_path.copy(address.sun_path, socket_path.size());
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  for (const char* name : {"/dev/ptmx", "/dev/pts", "/dev/pts/ptmx", "/dev/console"}) {
    MakeRoot();
    Plant(name, Canary());
    std::vector<std::string> words = Bundle({"true"}, [](nlohmann::json& config) {
      config["process"]["terminal"] = true;
      auto& mounts = config["mounts"];
      for (auto it = mounts.begin(); it != mounts.end();) {
        it = absl::StartsWith((*it)["destination"].get<std::string>(), "/dev") ? mounts.erase(it)
                                                                               : it + 1;
      }
    });
    words.insert(words.end() - 1, {"--detach", "--console-socket", socket_path});
    EXPECT_NE(RunProgram(words).code, 0) << name;
  }
  close(listener);
  EXPECT_EQ(unlink(socket_path.c_str()), 0);
  // tiny has a /dev of its own: what the root brings does not matter.
  MakeRoot();
  Plant("/dev/pts/0", Canary());
  Plant("/dev/console", Canary());
  EXPECT_THAT(RunRoot({"-t", "stat", "-c", "%t", "/dev/console"}), Succeeds("88\r\n"));
}

TEST_F(Paths, P10_DevIsNoLink) {
  for (const bool relative : {false, true}) {
    MakeRoot();
    Plant("/dev", relative ? absl::StrCat("../../../../../../..", Canary()) : Canary());
    EXPECT_NE(RunOci({"true"}, [](nlohmann::json& config) { config["mounts"].clear(); }).code, 0);
    EXPECT_THAT(RunRoot({"true"}), RunsOrIsRefused());
  }
}

TEST_F(Paths, P12_WorkingFoldersAreMadeInTheRoot) {
  Plant("/folder", Canary());
  const Result result = RunRoot({"-w", "/folder/new", "ls"});
  EXPECT_THAT(result.out, Not(HasSubstr("secret")));
  EXPECT_THAT(RunRoot({"-w", "/../../x/y", "sh", "-c", "pwd"}), Succeeds("/x/y\n"));
  EXPECT_FALSE(PathExists(Path("x")));
}

TEST_F(Paths, P13_NothingInTheRootSetsPolicy) {
  const std::vector<std::string> probe = {"--hostname", "box", "--user", "0", "probe", "mounts"};
  const Result plain = RunRoot(probe);
  for (const char* file : {"/etc/tiny.conf", "/tiny.json", "/etc/tiny/config.json", "/.nspawn",
                           "/etc/containers/containers.conf", "/config.json", "/state.json"}) {
    ASSERT_OK(MakeDirs(std::filesystem::path(Root() + file).parent_path().string(), 0755));
    WriteIn(file, R"({"privileged":true,"security":{"privileged":true},"cap_add":["ALL"]})");
  }
  std::vector<std::string> labelled = {"--label",      "tiny.privileged=true",
                                       "--annotation", "run.oci.keep_original_groups=1",
                                       "--annotation", "io.podman.annotations.privileged=TRUE"};
  labelled.insert(labelled.end(), probe.begin(), probe.end());
  const Result hostile = RunRoot(labelled);
  EXPECT_EQ(plain.code, 0);
  EXPECT_EQ(hostile.out, plain.out);
}

TEST_F(Paths, P14_VolumesAreFilledWithLinksNotWithWhatTheyNameOutside) {
  ASSERT_OK(MakeDirs(Root() + "/data", 0755));
  Plant("/data/file", Canary() + "/secret");
  Plant("/data/dir", absl::StrCat("../../../../../../..", Canary()));
  WriteIn("/data/own", "own\n");
  const Result result = RunRoot({"-v", "filled:/data", "sh", "-c", "cat /data/*; ls -l /data"});
  EXPECT_THAT(result.out, HasSubstr("own\n"));
  EXPECT_THAT(result.out, Not(HasSubstr(kToken)));
  EXPECT_EQ(Tiny({"volume", "rm", "filled"}).code, 0);
  MakeRoot();
  Plant("/data", Canary());
  const Result linked = RunRoot({"-v", "filled:/data", "sh", "-c", "cat /data/*"});
  EXPECT_THAT(linked.out, Not(HasSubstr(kToken)));
  EXPECT_EQ(Tiny({"volume", "rm", "filled"}).code, 0);
}

// As CVE-2017-1002101: what a volume's own links say is said within the volume.
TEST_F(Paths, P14_SubpathsStayInTheirVolume) {
  EXPECT_EQ(RunRoot({"-v", "shared:/data", "sh", "-c",
                     absl::StrCat("mkdir -p /data", Canary(), " && touch /data", Canary(),
                                  "/inside && ln -s ", Canary(), " /data/sub")})
                .code,
            0);
  const Result result =
      RunRoot({"--mount", "type=volume,src=shared,dst=/data,volume-subpath=sub", "ls", "/data"});
  EXPECT_THAT(result.out, Not(HasSubstr("secret")));
  EXPECT_EQ(result.out, "inside\n") << result.err;
  EXPECT_EQ(Tiny({"volume", "rm", "shared"}).code, 0);
}

// A folder that the other container names /dev/shm must not be the host's.
TEST_F(Paths, P05_SharedMemoryOfAnotherContainerIsItsOwn) {
  const std::string id = Detached({"--rootfs", Root(), "--ipc", "none", "sh", "-c",
                                   absl::StrCat("ln -s ", Canary(), " /dev/shm; sleep 1000")});
  EXPECT_TRUE(WaitUntil(absl::Seconds(20), [&] {
    return Tiny({"exec", id, "stat", "-c", "%F", "/dev/shm"}).out == "symbolic link\n";
  }));
  const Result result =
      RunRoot({"--ipc", absl::StrCat("container:", id), "ls", "/dev/shm/", "/dev/shm"});
  EXPECT_THAT(result.out, Not(HasSubstr("secret")));
  EXPECT_NE(result.code, 0);
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

// What the host's /proc is covered with gets nothing, and the start is refused.
TEST_F(Paths, P09_ACoveredProcfsIsNoticed) {
  constexpr char kFile[] = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  ASSERT_EQ(mount("tmpfs", "/proc/sys/net", "tmpfs", 0, nullptr), 0);
  ASSERT_OK(MakeDirs("/proc/sys/net/ipv4", 0755));
  ASSERT_EQ(mknod(kFile, S_IFREG | 0644, 0), 0);
  EXPECT_EQ(RunRoot({"true"}).code, 125);
  EXPECT_EQ(ReadFile(kFile).value(), "");
  ASSERT_EQ(umount("/proc/sys/net"), 0);
  ASSERT_EQ(mount("tmpfs", "/proc/sys", "tmpfs", 0, nullptr), 0);
  const Result refused = RunRoot({"true"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("procfs"));
  ASSERT_EQ(umount("/proc/sys"), 0);
}

TEST_F(Paths, P15_SysctlsOfTheHostAreNotReached) {
  const std::string before = ReadFile("/proc/sys/kernel/core_pattern").value();
  for (const char* sysctl :
       {"kernel.core_pattern=|/x", "kernel.shm_rmid_forced=1+kernel.core_pattern=|/x",
        "kernel.shm_rmid_forced=1\nkernel.core_pattern=|/x", "net/../kernel/core_pattern=|/x",
        "net.ipv4.../../kernel/core_pattern=|/x", "/kernel/core_pattern=x",
        "vm.overcommit_memory=1", "kernel.msgmax+x=1", "kernel..core_pattern=x", "fs.file-max=1",
        "=1", "net=1", "kernel.=1", "kernel.modprobe=/x", "net.ipv4.ip_forward", "KERNEL.SEM=1",
        "dev.cdrom.info=1", "user.max_user_namespaces=0", "kernel.domainname/../core_pattern=x"}) {
    EXPECT_EQ(RunRoot({"--sysctl", sysctl, "true"}).code, 125) << sysctl;
  }
  EXPECT_THAT(
      RunRoot({"--sysctl", "net.ipv4.ip_forward=1", "cat", "/proc/sys/net/ipv4/ip_forward"}),
      Succeeds("1\n"));
  EXPECT_EQ(ReadFile("/proc/sys/kernel/core_pattern").value(), before);
}

TEST_F(Paths, P18_CgroupsStayBelowTheirParent) {
  for (const std::string& path : std::vector<std::string>{
           "../x", "/../../x", "a/../../b", "/a/b/../../../c", "/..", std::string(300, 'x')}) {
    const Result result =
        RunOci({"true"}, [&](nlohmann::json& c) { c["linux"]["cgroupsPath"] = path; });
    EXPECT_NE(result.code, 0) << path;
  }
  for (const char* parent : {"/../x", "..", "a/../..", "/a/../../b"}) {
    EXPECT_EQ(RunRoot({"--cgroup-parent", parent, "true"}).code, 125) << parent;
  }
}

}  // namespace
}  // namespace tiny::e2e
