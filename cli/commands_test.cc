// The commands beside run and ps, and what holds for the tables of all of them.
#include "cli/commands.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "cli/app_fixture.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CommandsTest : public AppTest {};

TEST_F(CommandsTest, TablesAreSound) {
  std::set<absl::string_view> names;
  for (const Command* command : AllCommands()) {
    EXPECT_TRUE(names.insert(command->name).second) << command->name;
    for (const absl::string_view alias : command->aliases) {
      EXPECT_TRUE(names.insert(alias).second) << alias;
    }
    EXPECT_FALSE(command->summary.empty() || command->examples.empty()) << command->name;
    EXPECT_FALSE(absl::EndsWith(command->summary, ".")) << command->name;
    std::set<absl::string_view> options;
    std::set<char> letters;
    for (const OptionGroup* group : command->options) {
      for (const Option& option : group->options) {
        EXPECT_TRUE(options.insert(option.name).second) << command->name << " " << option.name;
        EXPECT_TRUE(option.letter == 0 || letters.insert(option.letter).second)
            << command->name << " -" << option.letter;
        EXPECT_TRUE(option.set != nullptr || !option.help.empty()) << option.name;
      }
    }
    EXPECT_EQ(options.count("help"), 0u) << command->name;
  }
}

TEST_F(CommandsTest, EachCommandHasHelpAndNamesItself) {
  for (const Command* command : AllCommands()) {
    const Result help = Tiny(absl::StrCat(command->name, " --help"));
    EXPECT_EQ(help.code, 0) << command->name;
    EXPECT_THAT(help.out, StartsWith(absl::StrCat("Usage:  tiny ", command->name)));
    EXPECT_EQ(Tiny(absl::StrCat("help ", command->name)).out, help.out);
    EXPECT_EQ(Tiny(absl::StrCat(command->name, " --no-such-flag")).code, 125) << command->name;
  }
  const Result overview = Tiny("");
  for (const Command* command : AllCommands()) {
    EXPECT_THAT(overview.out, HasSubstr(absl::StrCat("  ", command->name, " ")));
  }
  EXPECT_THAT(Tiny("help network").out, HasSubstr("network connect"));
  for (const absl::string_view group : {"network", "volume", "system", "container"}) {
    const Result help = Tiny(absl::StrCat(group, " --help"));
    EXPECT_EQ(help.code, 0) << help.err;
    EXPECT_THAT(help.out, StartsWith(absl::StrCat("Usage:  tiny ", group, " COMMAND")));
    EXPECT_THAT(help.out, HasSubstr(absl::StrCat("\n  ", group, " prune ")));
    EXPECT_EQ(Tiny(absl::StrCat("help ", group)).out, help.out);
    const Result bare = Tiny(group);
    EXPECT_EQ(bare.code, 1);
    EXPECT_EQ(bare.out, "");
    EXPECT_EQ(bare.err, help.out);
  }
  EXPECT_THAT(Tiny("container --help").out, HasSubstr("\n  container ls "));
  EXPECT_THAT(Tiny("system --help").out, HasSubstr("\n  system info "));
  EXPECT_THAT(Tiny("port --help").out, HasSubstr("\n  port add "));
  EXPECT_THAT(Tiny("port --help").out, HasSubstr("\n  port rm "));
}

TEST_F(CommandsTest, InspectHasDockersFields) {
  runtime::Container& web = AddContainer("web");
  web.state.init.pid = 42;
  web.state.oom_killed = true;
  web.config.resources.memory = 1 << 20;
  web.config.labels = {{"a.b", "c"}};
  web.state.endpoints.resize(1);
  web.state.endpoints[0].network = "bridge";
  web.state.endpoints[0].ip = "10.10.0.2";
  web.state.ports = {{.host_port = 8080, .container_port = 80}};
  web.config.mounts.resize(1);
  web.config.mounts[0].source = "/src";
  web.config.mounts[0].destination = "/dst";
  const std::pair<const char*, const char*> kCases[] = {
      {"{{.Name}} {{.State.Status}} {{.State.Pid}}", "/web running 42"},
      {"{{.State.OOMKilled}} {{.State.Running}}", "true true"},
      {"{{.NetworkSettings.IPAddress}}", "10.10.0.2"},
      {"{{range $n, $e := .NetworkSettings.Networks}}{{$n}}={{$e.IPAddress}}{{end}}",
       "bridge=10.10.0.2"},
      {"{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "8080"},
      {"{{index .Config.Labels \"a.b\"}}", "c"},
      {"{{json .Config.Cmd}}", R"(["sh","-c","while true; do sleep 1; done"])"},
      {"{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}", "1048576 no"},
      {"{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}}{{end}}",
       "bind /src /dst true"},
      {"{{.State.FinishedAt}}", nullptr},
  };
  for (const auto& [format, want] : kCases) {
    const Result result = Tiny("inspect web -f", {format});
    EXPECT_EQ(result.code, 0) << result.err;
    if (want == nullptr) continue;
    EXPECT_EQ(result.out, absl::StrCat(want, "\n")) << format;
  }
  EXPECT_THAT(Tiny("inspect web").out, StartsWith("[\n    {\n        \"Id\": \"bbbb"));
}

TEST_F(CommandsTest, InspectOfWhatIsNotPrintsAnEmptyListAndFails) {
  const Result result = Tiny("inspect ghost");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "[]\n");
  EXPECT_EQ(result.err, "tiny: no such container, network or volume: ghost\n");
  EXPECT_THAT(Tiny("inspect --type image x").err, HasSubstr("want container, network or volume"));
  AddContainer("web");
  EXPECT_THAT(Tiny("inspect -f {{.Nope}} web").err, HasSubstr("no field Nope at column 3"));
}

TEST_F(CommandsTest, ExecPassesItsFlagsAndStopsAtTheCommand) {
  AddContainer("web");
  host_.exit_code = 7;
  EXPECT_EQ(Tiny("exec -i -u nobody -w /tmp -e A=b web sh -c -x --help").code, 7);
  EXPECT_EQ(host_.exec.user, "nobody");
  EXPECT_TRUE(host_.exec.interactive);
  EXPECT_THAT(host_.exec.env, ElementsAre("A=b"));
  EXPECT_THAT(host_.exec.command, ElementsAre("sh", "-c", "-x", "--help"));
  EXPECT_EQ(Tiny("exec ghost sh").code, 1);
  EXPECT_EQ(Tiny("exec web").code, 125);
}

TEST_F(CommandsTest, AttachAndStartReturnTheContainersExitCode) {
  AddContainer("web").config.open_stdin = true;
  host_.exit_code = 3;
  EXPECT_EQ(Tiny("attach web").code, 3);
  EXPECT_TRUE(host_.attach.stdin_open);
  EXPECT_EQ(Tiny("attach --no-stdin web").code, 3);
  EXPECT_FALSE(host_.attach.stdin_open);
  EXPECT_EQ(Tiny("start -a web").code, 3);
  EXPECT_EQ(Tiny("start -a web web2").code, 125);
  EXPECT_EQ(Tiny("start web ghost").code, 1);
}

TEST_F(CommandsTest, UpdateChangesOnlyWhatIsGiven) {
  runtime::Container& web = AddContainer("web");
  web.config.resources.memory = 1 << 20;
  web.config.resources.cpu_quota = 5000;
  EXPECT_EQ(Tiny("update --cpus 2 --restart always web").out, "web\n");
  const state::ContainerConfig& config = host_.containers[0].config;
  EXPECT_EQ(config.resources.memory, 1 << 20);
  EXPECT_EQ(config.resources.nano_cpus, 2000000000);
  EXPECT_EQ(config.resources.cpu_quota, 0);
  EXPECT_EQ(config.restart_policy.name, "always");
  host_.containers[0].config.auto_remove = true;
  EXPECT_EQ(Tiny("update --restart always web").code, 1);
}

TEST_F(CommandsTest, PortsAreShownAndChanged) {
  AddContainer("web").state.ports = {
      {.host_port = 8080, .container_port = 80},
      {.host_ip = "::1", .host_port = 53, .container_port = 53, .protocol = "udp"}};
  EXPECT_EQ(Tiny("port web").out, "80/tcp -> 0.0.0.0:8080\n53/udp -> [::1]:53\n");
  EXPECT_EQ(Tiny("port web 80").out, "0.0.0.0:8080\n");
  EXPECT_EQ(Tiny("port web 81/tcp").code, 1);
  EXPECT_EQ(Tiny("port add web 8443:443").out, "443/tcp -> 0.0.0.0:8443\n");
  EXPECT_EQ(Tiny("port rm web 8443:443").code, 0);
  EXPECT_EQ(Tiny("port add web x").code, 1);
}

TEST_F(CommandsTest, TopAndStats) {
  AddContainer("web");
  AddContainer("job", state::Status::kExited);
  EXPECT_EQ(Tiny("top web").out, "PID   CMD\n1     sh\n");
  EXPECT_EQ(
      Tiny("stats --no-stream -a --format", {"{{.Name}} {{.MemUsage}} {{.MemPerc}} {{.PIDs}}"}).out,
      "job -- -- --\nweb 64MiB / 128MiB 50.00% 3\n");
}

TEST_F(CommandsTest, Volumes) {
  EXPECT_EQ(Tiny("volume create --label a=b data").out, "data\n");
  EXPECT_EQ(Tiny("volume ls").out, "DRIVER   VOLUME NAME\nlocal    data\n");
  EXPECT_EQ(Tiny("volume ls -q --filter label=x").out, "");
  EXPECT_EQ(Tiny("volume inspect -f {{.Mountpoint}} data").out,
            folder_.path() + "/volumes/data/_data\n");
  EXPECT_EQ(Tiny("inspect -f {{.Name}} data").out, "data\n");
  runtime::Container& web = AddContainer("web");
  web.config.mounts.resize(1);
  web.config.mounts[0].type = state::MountConfig::Type::kVolume;
  web.config.mounts[0].source = "data";
  web.config.mounts[0].destination = "/d";
  EXPECT_EQ(Tiny("volume rm data").code, 1);
  EXPECT_EQ(Tiny("volume ls -q --filter dangling=true").out, "");
  host_.containers.clear();
  EXPECT_EQ(Tiny("volume rm data ghost").code, 1);
  EXPECT_EQ(Tiny("volume rm -f ghost").code, 0);
  EXPECT_EQ(Tiny("volume create a/b").code, 1);
  EXPECT_EQ(Tiny("volume create -d nfs x").code, 125);
}

TEST_F(CommandsTest, DiffPrintsALineForEachChange) {
  AddContainer("web");
  EXPECT_EQ(Tiny("diff web").out, "C /etc\nA /etc/new\\x1b\nD /old\n");
  EXPECT_EQ(Tiny("diff nosuch").code, 1);
}

TEST_F(CommandsTest, CopyNeedsExactlyOneContainer) {
  EXPECT_THAT(Tiny("cp a b").err, HasSubstr("neither side names a container"));
  EXPECT_THAT(Tiny("cp a:/x b:/y").err, HasSubstr("both sides name a container"));
  EXPECT_EQ(Tiny("cp ./a:b c").code, 125);
}

TEST_F(CommandsTest, PrunesAskUnlessForced) {
  AddContainer("web");
  AddContainer("job", state::Status::kExited);
  const Result asked = Tiny("container prune");
  EXPECT_EQ(asked.code, 1);
  EXPECT_THAT(asked.err, HasSubstr("--force"));
  EXPECT_THAT(Tiny("container prune -f").out, HasSubstr("Total reclaimed space: 0B"));
  ASSERT_EQ(host_.containers.size(), 1u);
  EXPECT_EQ(host_.containers[0].config.name, "web");
  EXPECT_THAT(Tiny("system df").out, HasSubstr("Containers      1       1"));
  EXPECT_THAT(Tiny("system df -v").out, HasSubstr("Local Volumes space usage"));
  EXPECT_EQ(Tiny("volume prune -f").out, "Total reclaimed space: 0B\n");
  EXPECT_EQ(Tiny("system prune -f --volumes").out, "Total reclaimed space: 0B\n");
  EXPECT_THAT(Tiny("update web").err, HasSubstr("nothing to change"));
}

TEST_F(CommandsTest, InfoAndDoctor) {
  AddContainer("web");
  EXPECT_THAT(Tiny("info").out, HasSubstr("Containers:        1 (1 running, 0 paused"));
  EXPECT_EQ(Tiny("info -f {{.ContainersRunning}}/{{.OSType}}").out, "1/linux\n");
  host_.containers[0].state.supervisor.pid = getpid();
  EXPECT_THAT(Tiny("info").out, HasSubstr("Own cost:          1 supervisor, "));
  EXPECT_THAT(Tiny("doctor --json").out, HasSubstr("\"check\": \"kernel\""));
}

TEST_F(CommandsTest, RunCanExplainItselfAsShell) {
  const Result result = Tiny("run --explain=shell --network none --rootfs /:O true");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("#!/bin/sh\n"));
  EXPECT_TRUE(host_.containers.empty());
  EXPECT_EQ(Tiny("run --explain=bogus --rootfs / true").code, 125);
}

// Whatever a command is called, the flags are its own.
TEST_F(CommandsTest, BashCompletesTheFlagsOfCommandsOfTwoWords) {
  const std::string path = folder_.Write("completion", Tiny("completion bash").out);
  for (const char* words : {"run",
                            "container run",
                            "create",
                            "container create",
                            "logs",
                            "container logs",
                            "ps",
                            "container ps",
                            "container ls",
                            "container list",
                            "rm",
                            "container rm",
                            "container remove",
                            "container prune",
                            "container exec",
                            "network create",
                            "network ls",
                            "network list",
                            "network connect",
                            "network rm",
                            "network remove",
                            "volume create",
                            "volume ls",
                            "volume list",
                            "volume inspect",
                            "system events",
                            "events"}) {
    const std::string script = absl::StrCat(
        "source ", path, "; COMP_WORDS=(tiny ", words,
        " --); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tiny; echo \"${COMPREPLY[*]}\" > ",
        folder_.Path("flags"));
    ASSERT_EQ(system(absl::StrCat("bash ", folder_.Write("script", script)).c_str()), 0);
    const std::vector<absl::string_view> split = absl::StrSplit(words, ' ');
    const FoundCommand found = FindCommand(split);
    ASSERT_NE(found.command, nullptr) << words;
    std::string expected = "--help";
    for (const OptionGroup* group : found.command->options) {
      for (const Option& option : group->options) {
        const bool listed = option.set != nullptr && !option.help.empty();
        if (listed) absl::StrAppend(&expected, " --", option.name);
      }
    }
    EXPECT_EQ(ReadFile(folder_.Path("flags")).value_or(""), expected + "\n") << words;
  }
}

TEST_F(CommandsTest, CompletionScriptsAreValidAndKnowTheTables) {
  const std::string bash = Tiny("completion bash").out;
  EXPECT_THAT(bash, HasSubstr("run) flags='--help --detach "));
  EXPECT_THAT(bash, HasSubstr("'network connect') flags='--help --alias --ip --ip6' kind="));
  EXPECT_THAT(bash, Not(HasSubstr("--isolation")));
  const std::string path = folder_.Write("completion", bash);
  EXPECT_EQ(system(absl::StrCat("bash -n ", path).c_str()), 0);
  const std::string probe = absl::StrCat(
      "source ", path, "; COMP_WORDS=(tiny sta); COMP_CWORD=1; _tiny; ",
      "[[ \"${COMPREPLY[*]}\" == 'start stats' ]] && ",
      "COMP_WORDS=(tiny run --memory-s); COMP_CWORD=2; _tiny; ",
      "[[ \"${COMPREPLY[*]}\" == '--memory-swap --memory-swappiness' ]] && ",
      "COMP_WORDS=(tiny volume cr); COMP_CWORD=2; _tiny; [[ \"${COMPREPLY[*]}\" == create ]] && ",
      "COMP_WORDS=(tiny container l); _tiny; [[ \"${COMPREPLY[*]}\" == 'logs ls' ]] && ",
      "COMP_WORDS=(tiny help sto); _tiny; [[ \"${COMPREPLY[*]}\" == stop ]] && ",
      "COMP_WORDS=(tiny completion b); _tiny; [[ \"${COMPREPLY[*]}\" == bash ]] && ",
      "_tiny_networks() { echo net; }; COMP_WORDS=(tiny network connect n); COMP_CWORD=3; ",
      "_tiny; [[ \"${COMPREPLY[*]}\" == net ]]");
  const std::string script = folder_.Write("probe", probe);
  EXPECT_EQ(system(absl::StrCat("bash ", script).c_str()), 0);
  const std::string zsh = Tiny("completion zsh").out;
  EXPECT_THAT(zsh, StartsWith("#compdef tiny\n"));
  EXPECT_THAT(zsh, HasSubstr("\n    'container logs') shift 2 words; "));
  EXPECT_THAT(zsh, HasSubstr("\n    'network ls'|'network list') shift 2 words; "));
  EXPECT_EQ(Tiny("completion fish").code, 125);
}

}  // namespace
}  // namespace tiny::cli
