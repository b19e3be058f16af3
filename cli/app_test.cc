#include "base/files.h"
#include "cli/app_fixture.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(AppTest, RunBuildsTheContainerAndExitsAsItsProgram) {
  host_.exit_code = 42;
  const Result result = Tiny(
      "run --rm -i --name web -h box -m 128m --cpus=1.5 -p8080:80 -eA=b -e HOME=/x -v "
      "/data:/data:ro "
      "--network none2 -w /tmp --rootfs /:O sh -c true -x");
  EXPECT_EQ(result.code, 42) << result.err;
  ASSERT_EQ(host_.containers.size(), 1u);
  const state::ContainerConfig& config = host_.containers[0].config;
  EXPECT_EQ(config.name, "web");
  EXPECT_EQ(config.hostname, "box");
  EXPECT_EQ(config.rootfs, "/");
  EXPECT_TRUE(config.rootfs_overlay);
  EXPECT_EQ(config.image, "/:O");
  EXPECT_THAT(config.command, ElementsAre("sh", "-c", "true", "-x"));
  EXPECT_EQ(config.resources.memory, 128 << 20);
  EXPECT_EQ(config.resources.nano_cpus, 1500000000);
  EXPECT_EQ(config.ports.at(0).host_port, 8080);
  EXPECT_THAT(config.env, ElementsAre(StartsWith("PATH=/usr/local/sbin:"), "A=b", "HOME=/x"));
  EXPECT_TRUE(config.mounts.at(0).read_only);
  EXPECT_TRUE(config.auto_remove && config.open_stdin && config.attach_stdin);
  EXPECT_TRUE(host_.attach.stdin_open);
}

TEST_F(AppTest, AnotherPlatformIsRefused) {
#if defined(__x86_64__)
  constexpr absl::string_view kMine = "linux/amd64";
  constexpr absl::string_view kOther = "linux/arm64";
#else
  constexpr absl::string_view kMine = "linux/arm64";
  constexpr absl::string_view kOther = "linux/amd64";
#endif
  EXPECT_EQ(Tiny(absl::StrCat("create --rootfs / --platform ", kMine, " sh")).code, 0);
  const Result result = Tiny(absl::StrCat("create --rootfs / --platform ", kOther, " sh"));
  EXPECT_EQ(result.code, 125);
  EXPECT_THAT(result.err, HasSubstr(absl::StrCat("this machine is ", kMine)));
}

TEST_F(AppTest, RunDetachedPrintsTheWholeId) {
  const Result result = Tiny("run -d --rootfs /srv sleep 9");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, host_.containers[0].config.id + "\n");
  EXPECT_THAT(host_.calls, ElementsAre("start name0"));
}

TEST_F(AppTest, AProgramThatCannotStartLeavesNothing) {
  host_.start_status = absl::NotFoundError("exec nosuch: no such file or directory (ENOENT)");
  const Result result = Tiny("run --rootfs / nosuch");
  EXPECT_EQ(result.code, 127);
  EXPECT_EQ(result.err, "tiny: exec nosuch: no such file or directory (ENOENT)\n");
  EXPECT_TRUE(host_.containers.empty());
}

TEST_F(AppTest, CidFileIsWrittenBeforeTheStartAndNeverReplaced) {
  const std::string path = folder_.Path("cid");
  EXPECT_EQ(Tiny("create --rootfs / --cidfile", {path, "sh"}).code, 0);
  EXPECT_EQ(*ReadFile(path), host_.containers[0].config.id);
  const Result again = Tiny("create --rootfs / --cidfile", {path, "sh"});
  EXPECT_EQ(again.code, 125);
  EXPECT_THAT(again.err, HasSubstr("EEXIST"));
  EXPECT_EQ(host_.containers.size(), 1u);
}

TEST_F(AppTest, ConflictsAndMistakesOfRun) {
  const std::pair<const char*, const char*> kCases[] = {
      {"run", "neither --rootfs nor a command"},
      {"run alpine sh", "cannot be run as an image yet"},
      {"run --rootfs /", "no command is given"},
      {"run --rootfs :O sh", "--rootfs: empty path"},
      {"run --rootfs / -d -a stdout sh", "--detach does not go with --attach"},
      {"run --rootfs / --rm --restart always sh", "--rm does not go with --restart"},
      {"run --rootfs / --uts host -h x sh", "do not go with --uts host"},
      {"run --rootfs / --no-healthcheck --health-cmd x sh", "--no-healthcheck does not go"},
      {"run --rootfs / --health-interval 1s sh", "need a --health-cmd"},
      {"run --rootfs / --network host -p 80:80 sh", "ports cannot be published"},
      {"run --rootfs / --network host --network n sh", "host does not go with another network"},
      {"run --rootfs / --network n --network n sh", "n is given twice"},
      {"run --rootfs / --network-alias x sh", "only on a network made with"},
      {"run --rootfs / --cpus 1 --cpu-quota 5000 sh", "--cpus does not go with"},
      {"run --rootfs / --memory-swap 1g sh", "--memory-swap needs --memory"},
      {"run --rootfs / -m 2g --memory-swap 1g sh", "below --memory"},
      {"run --rootfs / -v /a:/x -v /b:/x sh", "two mounts on the same path, /x"},
      {"run --rootfs / -m 1k sh", "run: --memory: it is below 6m"},
      {"run --rootfs / -m -1 sh", "--memory: invalid size"},
      {"run --rootfs / -m 12q sh", "--memory: invalid size \"12q\""},
      {"run --rootfs / --isolation hyperv sh", "it is for Windows containers"},
      {"run --rootfs / --naem x sh", "unknown flag --naem"},
      {"run --rootfs / --name a/b sh", "invalid name"},
      {"run --rootfs / --env-file /nonexistent sh", "/nonexistent"},
      {"run --rootfs / --volumes-from ghost sh", "no such container: ghost"},
      {"run --rootfs / --network container:ghost sh", "no such container: ghost"},
  };
  for (const auto& [line, message] : kCases) {
    const Result result = Tiny(line);
    EXPECT_EQ(result.code, 125) << line;
    EXPECT_THAT(result.err, HasSubstr(message)) << line;
    EXPECT_THAT(result.err, StartsWith("tiny: ")) << line;
    EXPECT_TRUE(host_.containers.empty()) << line;
  }
}

TEST_F(AppTest, HelpOfRunIsNotMinusH) {
  const Result result = Tiny("run --help");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, StartsWith("Usage:  tiny run [OPTIONS] --rootfs DIR[:O] COMMAND"));
  EXPECT_THAT(result.out, HasSubstr("  -m, --memory bytes"));
  EXPECT_THAT(result.out, HasSubstr("tiny run --rm -it --rootfs /:O sh"));
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("--isolation")));
}

TEST_F(AppTest, PsShowsWhatRuns) {
  AddContainer("web").state.ports = {{.host_port = 8080, .container_port = 80}};
  AddContainer("job", state::Status::kExited).state.exit_code = 137;
  EXPECT_EQ(Tiny("ps").out,
            "CONTAINER ID   IMAGE         COMMAND                  CREATED       STATUS         "
            "PORTS                  NAMES\n"
            "bbbbbbbbbbbb   /srv/rootfs   \"sh -c while true; d…\"   3 hours ago   Up 5 minutes   "
            "0.0.0.0:8080->80/tcp   web\n");
  EXPECT_EQ(Tiny("ps -a --format", {"{{.Names}}: {{.Status}}"}).out,
            "job: Exited (137) 2 minutes ago\nweb: Up 5 minutes\n");
  EXPECT_EQ(Tiny("container ls -aq --filter exited=137 --no-trunc").out,
            host_.containers[1].config.id + "\n");
  EXPECT_THAT(Tiny("ps --format", {"table {{.ID}}\\t{{.Label \"org.my-key\"}}"}).out,
              ::testing::StartsWith("CONTAINER ID   my key\n"));
  EXPECT_EQ(Tiny("ps -n 1 --format", {"table {{.Names}}\\t{{.State}}"}).out,
            "NAMES   STATE\njob     exited\n");
}

TEST_F(AppTest, PsDoesNotKnowWhatNobodySaw) {
  runtime::Container& lost = AddContainer("lost", state::Status::kExited);
  lost.state.exit_code = -1;
  lost.state.finished_at = absl::InfinitePast();
  EXPECT_EQ(Tiny("ps -a --format {{.Status}}").out, "Exited (?) at an unknown time\n");
}

TEST_F(AppTest, PsFilters) {
  AddContainer("web").config.labels = {{"env", "prod"}, {"tier", "1"}};
  AddContainer("web2", state::Status::kPaused).config.networks = {{.network = "back"}};
  AddContainer("db", state::Status::kExited).state.health.status = "unhealthy";
  const std::pair<const char*, const char*> kCases[] = {
      {"--filter name=web", "web2 web"},
      {"--filter name=^web$", "web"},
      {"--filter status=paused", "web2"},
      {"--filter status=exited", "db"},
      {"--filter label=env", "web"},
      {"--filter label=env=prod --filter label=tier=2", ""},
      {"--filter network=back", "web2"},
      {"-a --filter health=unhealthy", "db"},
      {"-a --filter ancestor=/srv/rootfs --filter name=d", "db"},
      {"-a --filter name=db --filter name=web2", "db web2"},
  };
  for (const auto& [flags, want] : kCases) {
    std::string names = Tiny(std::string("ps ") + flags + " --format {{.Names}}").out;
    std::replace(names.begin(), names.end(), '\n', ' ');
    if (!names.empty()) names.pop_back();
    EXPECT_EQ(names, want) << flags;
  }
  for (const char* flags : {"--filter x", "--filter colour=red", "--filter status=up",
                            "--filter exited=x", "--filter publish=http"}) {
    EXPECT_EQ(Tiny(std::string("ps ") + flags).code, 125) << flags;
  }
}

TEST_F(AppTest, VerbsTakeSeveralTargetsAndGoOnAfterAnError) {
  AddContainer("web");
  AddContainer("db");
  const Result result = Tiny("stop -t 3 web wbe db");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "web\ndb\n");
  EXPECT_EQ(result.err, "tiny: no such container: wbe\nhint: did you mean web?\n");
  EXPECT_EQ(host_.stop.timeout_seconds, 3);
}

TEST_F(AppTest, RmNeedsForceForWhatRunsAndForgivesWhatIsNot) {
  AddContainer("web");
  EXPECT_EQ(Tiny("rm web").code, 1);
  const Result result = Tiny("rm -fv web ghost");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "web\n");
  EXPECT_TRUE(host_.containers.empty());
}

TEST_F(AppTest, KillAndWait) {
  AddContainer("web");
  host_.exit_code = 3;
  EXPECT_EQ(Tiny("kill -s HUP web").code, 0);
  EXPECT_EQ(Tiny("wait web").out, "3\n");
  EXPECT_THAT(host_.calls, ElementsAre("kill 1 web", "wait web"));
  EXPECT_EQ(Tiny("kill -s NOPE web").code, 125);
}

TEST_F(AppTest, UnknownCommandsAreGuessed) {
  const Result result = Tiny("strat web");
  EXPECT_EQ(result.code, 125);
  EXPECT_EQ(result.err, "tiny: no such command: strat\nhint: did you mean start?\n");
  EXPECT_EQ(Tiny("stop").code, 125);
  EXPECT_THAT(Tiny("stop").err, HasSubstr("stop needs at least 1 argument"));
  EXPECT_THAT(Tiny("ps x").err, HasSubstr("ps takes no arguments"));
}

TEST_F(AppTest, WhatOnlyDockerHasIsSaidToBeAbsent) {
  EXPECT_EQ(Tiny("pull alpine").code, 125);
  EXPECT_THAT(Tiny("pull alpine").err,
              HasSubstr("tiny has no command pull\nhint: there is no image"));
  EXPECT_THAT(Tiny("swarm init").err, HasSubstr("one machine"));
}

TEST_F(AppTest, ErrorsCannotSteerTheTerminal) {
  EXPECT_EQ(Tiny("start", {"\x1b[2Jx"}).err, "tiny: no such container: \\x1b[2Jx\n");
}

TEST_F(AppTest, Version) {
  EXPECT_THAT(Tiny("version").out, StartsWith("tiny 0.1"));
  EXPECT_THAT(Tiny("--version").out, StartsWith("tiny 0.1"));
  EXPECT_THAT(Tiny("version -f {{.Os}}").out, "linux\n");
}

}  // namespace
}  // namespace tiny::cli
