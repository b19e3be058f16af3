// `run` in the foreground: output, exit codes, streams.
#include <elf.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "e2e/harness.h"

namespace tiny::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(TinyTest, ShowsTheOutputAndTheExitCode) {
  const Result result = Run({"--rm", "sh", "-c", "echo out; echo err >&2; exit 7"});
  EXPECT_EQ(result.code, 7);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST_F(TinyTest, IsIsolated) {
  const Result result =
      Run({"--rm", "--hostname", "box", "sh", "-c", "hostname; echo $$; ls /proc"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, ::testing::StartsWith("box\n1\n"));
}

TEST_F(TinyTest, IpcIsSharedWithWhoMayShareIt) {
  Detached({"--name", "sharer", "--ipc", "shareable", "sleep", "1000"});
  Detached({"--name", "joiner", "--ipc", "container:sharer", "sh", "-c",
            "echo both > /dev/shm/file; sleep 1000"});
  EXPECT_TRUE(Eventually({"exec", "sharer", "cat", "/dev/shm/file"}, "both\n"));
  const char* identity = "readlink /proc/self/ns/ipc; stat -c %d /dev/shm";
  const std::string shared = Tiny({"exec", "sharer", "sh", "-c", identity}).out;
  EXPECT_THAT(shared, HasSubstr("ipc:["));
  for (const char* mode : {"container:sharer", "container:joiner"}) {
    EXPECT_THAT(Run({"--rm", "--ipc", mode, "sh", "-c", identity}), Succeeds(shared)) << mode;
  }
  Detached({"--name", "loner", "sleep", "1000"});
  EXPECT_THAT(Run({"--rm", "--ipc", "container:loner", "true"}),
              FailsClearly(125, "container loner does not share its IPC namespace"));
  EXPECT_EQ(Tiny({"rm", "-f", "sharer", "joiner", "loner"}).code, 0);
}

TEST_F(TinyTest, WhatIsWrittenIsThrownAway) {
  EXPECT_THAT(Run({"--rm", "sh", "-c", "echo x > /tiny-e2e-file && cat /tiny-e2e-file"}),
              Succeeds("x\n"));
  EXPECT_NE(access("/tiny-e2e-file", F_OK), 0);
}

TEST_F(TinyTest, ReadsStdinWithI) {
  EXPECT_THAT(Tiny(RunArgs({"--rm", "-i", "cat"}), "from outside\n"), Succeeds("from outside\n"));
  EXPECT_THAT(Tiny(RunArgs({"--rm", "cat"}), "unseen"), Succeeds(""));
}

TEST_F(TinyTest, ExitCodes) {
  // The kernel keeps a pid namespace's first process from killing itself, so another one dies.
  EXPECT_EQ(Run({"--rm", "sh", "-c", "sh -c 'kill -9 $$'; exit $?"}).code, 137);
  EXPECT_EQ(Run({"--rm", "sh", "-c", "exit 255"}).code, 255);
  EXPECT_THAT(Run({"--rm", "no-such-program"}), FailsClearly(127, "no-such-program"));
  EXPECT_THAT(Run({"--rm", "/no/such/path"}), FailsClearly(127, "/no/such/path"));
  EXPECT_THAT(Run({"--rm", "/etc/passwd"}), FailsClearly(126, "/etc/passwd"));
  EXPECT_THAT(Run({"--rm", "/etc"}), FailsClearly(126, "/etc"));
  EXPECT_THAT(Run({"--rm", "--no-such-flag", "true"}), FailsClearly(125, "no-such-flag"));
}

TEST_F(TinyTest, ScriptsThatCannotRunAreExplained) {
  testing::TempDir dir;
  dir.Write("crlf", "#!/bin/sh\r\necho hi\r\n", 0755);
  dir.Write("missing", "#!/no/such/interpreter\necho hi\n", 0755);
  const std::string volume = absl::StrCat(dir.path(), ":/scripts:ro");
  EXPECT_THAT(Run({"--rm", "-v", volume, "/scripts/crlf"}), FailsClearly(127, "CRLF"));
  EXPECT_THAT(Run({"--rm", "-v", volume, "/scripts/missing"}),
              FailsClearly(127, "/no/such/interpreter"));
}

TEST_F(TinyTest, ProgramsThatCannotRunAreExplained) {
  testing::TempDir dir;
  std::string foreign =
      "\x7f"
      "ELF";
  foreign.resize(sizeof(Elf64_Ehdr));
  reinterpret_cast<Elf64_Ehdr*>(foreign.data())->e_machine = EM_S390;
  dir.Write("foreign", foreign, 0755);
  dir.Write("empty", "", 0755);
  dir.Write("text", "echo hi\n", 0755);
  ASSERT_EQ(mkdir(dir.Path("noexec").c_str(), 0755), 0);
  ASSERT_EQ(mount("tmpfs", dir.Path("noexec").c_str(), "tmpfs", MS_NOEXEC, nullptr), 0);
  dir.Write("noexec/script", "#!/bin/sh\n", 0755);
  const std::string volume = absl::StrCat(dir.path(), ":/data:ro");
  const std::string id = Detached({"-v", volume, "sleep", "1000"});
  for (const auto& [program, why] :
       std::map<std::string, std::string>{{"/data/foreign", "built for s390"},
                                          {"/data/empty", "the file is empty"},
                                          {"/data/text", "neither a program nor a script"},
                                          {"/data/noexec/script", "mounted noexec"}}) {
    EXPECT_THAT(Run({"--rm", "-v", volume, program}), FailsClearly(126, why));
    EXPECT_THAT(Tiny({"exec", id, program}), FailsClearly(126, why));
    EXPECT_THAT(Tiny({"exec", "-d", id, program}), FailsClearly(126, why));
  }
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
  EXPECT_EQ(umount2(dir.Path("noexec").c_str(), MNT_DETACH), 0);
}

TEST_F(TinyTest, EnvironmentWorkingDirectoryAndUser) {
  EXPECT_THAT(Run({"--rm", "-e", "A=b c", "-w", "/tmp", "sh", "-c", "echo \"$A\"; pwd"}),
              Succeeds("b c\n/tmp\n"));
  EXPECT_THAT(Run({"--rm", "-u", "12:34", "sh", "-c", "id -u; id -g"}), Succeeds("12\n34\n"));
  EXPECT_THAT(Run({"--rm", "-u", "root", "id", "-u"}), Succeeds("0\n"));
  EXPECT_THAT(Run({"--rm", "-u", "nobody-at-all", "true"}), FailsClearly(125, "nobody-at-all"));
}

TEST_F(TinyTest, VolumesAndTmpfs) {
  testing::TempDir dir;
  dir.Write("file", "inside\n");
  EXPECT_THAT(Run({"--rm", "-v", dir.path() + ":/data", "sh", "-c",
                   "cat /data/file; echo more > /data/new"}),
              Succeeds("inside\n"));
  EXPECT_EQ(access(dir.Path("new").c_str(), F_OK), 0);
  const Result read_only = Run({"--rm", "-v", dir.path() + ":/data:ro", "touch", "/data/x"});
  EXPECT_NE(read_only.code, 0);
  EXPECT_NE(access(dir.Path("x").c_str(), F_OK), 0);
  EXPECT_THAT(Run({"--rm", "--tmpfs", "/scratch", "sh", "-c", "touch /scratch/x && echo ok"}),
              Succeeds("ok\n"));
  EXPECT_THAT(Run({"--rm", "--read-only", "touch", "/x"}), Not(Succeeds("")));
}

}  // namespace
}  // namespace tiny::e2e
