// What can be seen of containers: ps, inspect, logs and events, with their filters and formats.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "e2e/harness.h"
#include "e2e/terminal.h"

namespace tiny::e2e {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<std::string> Lines(const std::string& text) {
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

class ObserveTest : public TinyTest {
 protected:
  std::string Ps(std::vector<std::string> args) {
    args.insert(args.begin(), {"ps", "--format", "{{.Names}}"});
    const Result result = Tiny(args);
    EXPECT_EQ(result.code, 0) << result.err;
    std::vector<std::string> names = Lines(result.out);
    std::sort(names.begin(), names.end());
    return absl::StrJoin(names, " ");
  }
  void RemoveAll() {
    for (const std::string& id : Lines(Tiny({"ps", "-aq"}).out)) {
      EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
    }
  }
};

TEST_F(ObserveTest, WhoOnlyLooksMakesNoFolders) {
  const std::vector<std::vector<std::string>> ok = {
      {"ps", "-a"},
      {"stats", "--no-stream"},
      {"info"},
      {"events", "--since", "1h", "--until", "0s"},
      {"version"},
      {"network", "inspect", "bridge"},
      {"doctor"},
      {"network", "ls"},
      {"system", "df"},
      {"volume", "ls"},
      {"network", "inspect", "-f", "{{.Name}}", Tiny({"network", "ls", "-q"}).out.substr(0, 12)}};
  for (const std::vector<std::string>& words : ok) {
    EXPECT_EQ(Tiny(words).code, 0) << absl::StrJoin(words, " ");
  }
  for (const char* command : {"attach", "diff", "inspect", "kill", "logs", "network inspect",
                              "port", "rm", "start", "stats", "stop", "top", "volume inspect",
                              "wait", "why", "network doctor", "volume rm", "network rm"}) {
    std::vector<std::string> words = absl::StrSplit(command, ' ');
    words.push_back("ghost");
    EXPECT_EQ(Tiny(words).code, 1) << command;
  }
  EXPECT_FALSE(PathExists(RootPath()));
  EXPECT_FALSE(PathExists(RunPath()));
}

TEST_F(ObserveTest, WhoWaitsSeesWhatComesFirst) {
  Terminal events(24, 80);
  events.Start(
      CommandLine({"events", "--since", "1h", "-f", "event=start", "--format", "<{{.Action}}>"}));
  Terminal stats(24, 80);
  stats.Start(CommandLine({"stats", "--format", "<{{.Name}}>"}));
  Detached({"--name", "first", "sleep", "1000"});
  EXPECT_TRUE(events.Shows("<start>"));
  EXPECT_TRUE(stats.Shows("<first>"));
  for (Terminal* each : {&events, &stats}) {
    each->Type("\x03");
    each->Finish();
  }
  RemoveAll();
}

TEST_F(ObserveTest, PsListsAndFilters) {
  Detached({"--name", "web", "-l", "tier=front", "-l", "x=1", "sleep", "1000"});
  Detached({"--name", "db", "-l", "tier=back", "-v", "/anonymous", "sleep", "1000"});
  EXPECT_EQ(Run({"--name", "done", "sh", "-c", "exit 4"}).code, 4);
  std::vector<std::string> create = RunArgs({"--name", "later", "true"});
  create[0] = "create";
  EXPECT_EQ(Tiny(create).code, 0);
  EXPECT_EQ(Tiny({"pause", "db"}).code, 0);

  EXPECT_EQ(Ps({}), "db web");
  EXPECT_EQ(Ps({"-a"}), "db done later web");
  EXPECT_EQ(Ps({"-l"}), "later");
  EXPECT_EQ(Ps({"-n", "2"}), "done later");
  EXPECT_EQ(Ps({"-a", "-f", "status=paused"}), "db");
  EXPECT_EQ(Ps({"-a", "-f", "status=created", "-f", "status=exited"}), "done later");
  EXPECT_EQ(Ps({"-a", "-f", "exited=4"}), "done");
  EXPECT_EQ(Ps({"-a", "-f", "label=tier"}), "db web");
  EXPECT_EQ(Ps({"-a", "-f", "label=tier=front", "-f", "label=x"}), "web");
  EXPECT_EQ(Ps({"-a", "-f", "label=tier=front", "-f", "label=tier=back"}), "");
  EXPECT_EQ(Ps({"-a", "-f", "name=we"}), "web");
  EXPECT_EQ(Ps({"-a", "-f", "name=^d"}), "db done");
  EXPECT_EQ(Ps({"-a", "-f", "name=^/(web|d[a-c])$"}), "db web");
  EXPECT_EQ(Ps({"-a", "-f", "before=done"}), "db web");
  EXPECT_EQ(Ps({"-a", "-f", "since=done"}), "later");
  EXPECT_EQ(Ps({"-a", "-f", "volume=/anonymous"}), "db");
  EXPECT_EQ(Ps({"-a", "-f", "network=none"}), "db done later web");
  EXPECT_EQ(Ps({"-a", "-f", "network=bridge"}), "");
  EXPECT_EQ(Ps({"-a", "-f", "id=" + Inspect("web", "{{.Id}}").substr(0, 20)}), "web");
  EXPECT_EQ(Ps({"-a", "-f", "health=none"}), "db done later web");

  const Result table = Tiny({"ps", "-a"});
  EXPECT_THAT(Lines(table.out)[0],
              MatchesRegex("CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES *"));
  EXPECT_THAT(table.out, AllOf(HasSubstr("\"sleep 1000\""), HasSubstr("(Paused)"),
                               HasSubstr("Exited (4) "), HasSubstr("Created")));
  EXPECT_THAT(Lines(Tiny({"ps", "--format", "table {{.Names}}\t{{.State}}"}).out),
              ElementsAre(MatchesRegex("NAMES +STATE *"), MatchesRegex("db +paused *"),
                          MatchesRegex("web +running *")));
  EXPECT_EQ(Tiny({"rm", "-f", "-v", "db"}).code, 0);
  RemoveAll();
}

TEST_F(ObserveTest, SizesHaveTheLayerThatIsInMemory) {
  Detached({"--name", "big", "sh", "-c", "head -c 5000000 /dev/zero > /f; echo done; sleep 1000"});
  EXPECT_TRUE(Eventually({"logs", "big"}, "done\n"));
  EXPECT_THAT(Tiny({"ps", "-s", "--format", "{{.Size}}"}),
              Succeeds(MatchesRegex("5\\.[0-9]+MB\n")));
  EXPECT_THAT(Tiny({"inspect", "-s", "-f", "{{.SizeRw}}", "big"}),
              Succeeds(MatchesRegex("5[0-9]{6}\n")));
  RemoveAll();
}

TEST_F(ObserveTest, PsTemplates) {
  const std::string id = Detached({"--name", "web", "-l", "tier=front", "sleep", "1000"});
  const auto shows = [&](const std::string& format) {
    const Result result = Tiny({"ps", "--format", format});
    EXPECT_EQ(result.code, 0) << format << ": " << result.err;
    return result.out;
  };
  EXPECT_EQ(shows("{{.ID}} {{.Names}} {{.State}}"), id.substr(0, 12) + " web running\n");
  EXPECT_EQ(shows("{{.Command}}"), "\"sleep 1000\"\n");
  EXPECT_EQ(shows("{{.Label \"tier\"}} {{.Labels}}"), "front tier=front\n");
  EXPECT_EQ(shows("{{.Names | upper | printf \"<%s>\"}}"), "<WEB>\n");
  EXPECT_EQ(shows("{{if eq .State \"running\"}}up{{else}}down{{end}}"), "up\n");
  EXPECT_EQ(shows("{{join (split .Names \"e\") \"-\"}} {{len .Names}}"), "w-b 3\n");
  for (const char* field : {"Image", "CreatedAt", "RunningFor", "Ports", "Status", "HealthStatus",
                            "Size", "Mounts", "Networks", "Platform", "LocalVolumes"}) {
    shows(absl::StrCat("{{.", field, "}}"));
  }
  EXPECT_THAT(shows("json"), AllOf(HasSubstr("\"Names\":\"web\""), HasSubstr("\"ID\":")));
  EXPECT_EQ(Lines(shows("{{json .}}")).size(), 1U);
  RemoveAll();
}

TEST_F(ObserveTest, InspectHasDockersFields) {
  const std::string id =
      Detached({"--name", "web", "-h", "box", "-m", "64m", "-e", "A=b", "sleep", "1000"});
  EXPECT_EQ(Inspect("web", "{{.Id}} {{.Name}}"), id + " /web");
  EXPECT_EQ(Inspect("web",
                    "{{.State.Status}} {{.State.Running}} {{.State.Paused}} "
                    "{{.State.Restarting}} {{.State.OOMKilled}} {{.State.ExitCode}}"),
            "running true false false false 0");
  EXPECT_EQ(Inspect("web",
                    "{{.Config.Hostname}} {{json .Config.Cmd}} {{.HostConfig.Memory}} "
                    "{{.HostConfig.NetworkMode}} {{.RestartCount}}"),
            "box [\"sleep\",\"1000\"] 67108864 none 0");
  EXPECT_THAT(Inspect("web", "{{range .Config.Env}}{{println .}}{{end}}"), HasSubstr("A=b"));
  EXPECT_THAT(Inspect("web", "{{.State.StartedAt}}"), MatchesRegex("20..-..-..T..:..:.*Z"));
  EXPECT_THAT(Tiny({"inspect", "web", "nobody"}),
              AllOf(Field(&Result::code, 1), Field(&Result::out, HasSubstr(id)),
                    Field(&Result::err, HasSubstr("nobody"))));
  EXPECT_THAT(Tiny({"inspect", "nobody"}), Field(&Result::out, "[]\n"));
  EXPECT_THAT(Tiny({"inspect", "--type", "volume", "web"}), Field(&Result::code, 1));
  RemoveAll();
}

TEST_F(ObserveTest, LogsOfBothStreams) {
  const std::string id = Detached(
      {"sh", "-c", "for i in 1 2 3 4; do echo out $i; echo err $i >&2; done; printf tail"});
  EXPECT_THAT(Tiny({"wait", id}), Succeeds("0\n"));
  EXPECT_THAT(Tiny({"logs", id}), AllOf(Succeeds("out 1\nout 2\nout 3\nout 4\ntail"),
                                        Field(&Result::err, "err 1\nerr 2\nerr 3\nerr 4\n")));
  EXPECT_THAT(Tiny({"logs", "-n", "1", id}), Succeeds("tail"));
  EXPECT_THAT(Tiny({"logs", "--since", "1h", "--until", "1s", id}).code, 0);
  EXPECT_THAT(Tiny({"logs", "--until", "1h", id}), Succeeds(""));
  EXPECT_THAT(Lines(Tiny({"logs", "-t", id}).out)[0], MatchesRegex("20.*T.*Z out 1"));
  RemoveAll();
  EXPECT_EQ(Run({"--name", "mute", "--log-driver", "none", "echo", "x"}).code, 0);
  EXPECT_THAT(Tiny({"logs", "mute"}), FailsClearly(1, "--log-driver none"));
  RemoveAll();
}

TEST_F(ObserveTest, FollowsLogsOverRotationToTheEnd) {
  // 1200 lines of 50 bytes and more, in files of 8 kB, of which all are kept.
  const char* script =
      "line=-----------------------------------------------; "
      "i=0; while [ $i -lt 1200 ]; do i=$((i+1)); echo $i$line; done";
  const std::string id =
      Detached({"-i", "--log-opt", "max-size=8k", "--log-opt", "max-file=30", "sh", "-c", script});
  const Result followed = Tiny({"logs", "-f", id});
  EXPECT_EQ(followed.code, 0) << followed.err;
  const std::vector<std::string> lines = Lines(followed.out);
  ASSERT_EQ(lines.size(), 1200U);
  for (size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(lines[i].substr(0, lines[i].find('-')), absl::StrCat(i + 1));
  }
  EXPECT_EQ(Tiny({"logs", id}).out, followed.out);
  EXPECT_THAT(Lines(Tiny({"logs", "-n", "2", id}).out), ElementsAre(lines[1198], lines[1199]));
  RemoveAll();
}

TEST_F(ObserveTest, RotationDropsTheOldest) {
  const std::string id =
      Detached({"--log-opt", "max-size=4k", "--log-opt", "max-file=2", "sh", "-c",
                "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo $i; done"});
  EXPECT_THAT(Tiny({"wait", id}), Succeeds("0\n"));
  const std::vector<std::string> lines = Lines(Tiny({"logs", id}).out);
  ASSERT_GT(lines.size(), 10U);
  EXPECT_LT(lines.size(), 1000U);
  EXPECT_EQ(lines.back(), "1000");
  EXPECT_EQ(std::stoul(lines.front()), 1000 - lines.size() + 1) << "no gap";
  RemoveAll();
}

TEST_F(ObserveTest, LogsOfSeveral) {
  Detached({"--name", "one", "sh", "-c", "echo from one"});
  EXPECT_EQ(Tiny({"wait", "one"}).code, 0);
  Detached({"--name", "two", "sh", "-c", "echo from two"});
  EXPECT_EQ(Tiny({"wait", "two"}).code, 0);
  EXPECT_THAT(Lines(Tiny({"logs", "-f", "two", "one"}).out),
              ElementsAre(AllOf(HasSubstr("one"), HasSubstr("from one")),
                          AllOf(HasSubstr("two"), HasSubstr("from two"))))
      << "in the order of time";
  RemoveAll();
}

TEST_F(ObserveTest, EventsInOrder) {
  const std::string id = Detached({"--name", "seen", "--init", "sleep", "1000"});
  EXPECT_EQ(Tiny({"pause", id}).code, 0);
  EXPECT_EQ(Tiny({"unpause", id}).code, 0);
  EXPECT_EQ(Tiny({"rename", id, "known"}).code, 0);
  EXPECT_EQ(Tiny({"stop", id}).code, 0);
  EXPECT_EQ(Tiny({"rm", id}).code, 0);
  const std::vector<std::string> words = {"events", "--since", "1h", "--until", "0s"};
  const auto events = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    return Lines(Tiny(more).out);
  };
  EXPECT_THAT(events({"-f", "container=" + id, "-f", "type=container", "--format", "{{.Action}}"}),
              ElementsAre("create", "start", "pause", "unpause", "rename", "kill", "die", "stop",
                          "destroy"));
  EXPECT_THAT(events({"-f", "event=die", "--format", "{{.Actor.Attributes.exitCode}}"}),
              ElementsAre("143"));
  EXPECT_THAT(events({"-f", "type=volume"}), ElementsAre());
  EXPECT_THAT(events({"-f", "event=start", "--format", "json"}),
              ElementsAre(AllOf(HasSubstr(id), HasSubstr("\"Action\":\"start\""))));
}

TEST_F(ObserveTest, EventsOfExec) {
  const std::string id = Detached({"sleep", "1000"});
  EXPECT_EQ(Tiny({"exec", id, "sh", "-c", "exit 3"}).code, 3);
  EXPECT_EQ(Tiny({"exec", id, "no-such"}).code, 127);
  EXPECT_EQ(Tiny({"exec", id, "/etc"}).code, 126);
  EXPECT_EQ(Tiny({"exec", "-w", "/no-such", id, "true"}).code, 126);
  const auto events = [&](const std::string& form) {
    return Lines(Tiny({"events", "--since", "1h", "--until", "0s", "-f", "event=exec_create", "-f",
                       "event=exec_start", "-f", "event=exec_die", "--format", form})
                     .out);
  };
  EXPECT_THAT(
      events("{{.Action}} {{.Actor.Attributes.exitCode}}"),
      ElementsAre("exec_create: sh -c exit 3 <no value>", "exec_start: sh -c exit 3 <no value>",
                  "exec_die 3", "exec_create: no-such <no value>", "exec_start: no-such <no value>",
                  "exec_die 127", "exec_create: /etc <no value>", "exec_start: /etc <no value>",
                  "exec_die 126", "exec_create: true <no value>", "exec_start: true <no value>",
                  "exec_die 126"));
  const std::vector<std::string> ids = events("{{.Actor.Attributes.execID}}");
  ASSERT_EQ(ids.size(), 12U);
  EXPECT_THAT(ids, AllOf(Each(SizeIs(64)), Contains(ids[0]).Times(3), Contains(ids[3]).Times(3)));
  EXPECT_NE(ids[0], ids[3]);
  EXPECT_EQ(Tiny({"exec", "-d", id, "true"}).code, 0);
  EXPECT_TRUE(Eventually({"events", "--since", "1h", "--until", "0s", "-f", "event=exec_die",
                          "--format", "{{.Actor.Attributes.exitCode}}"},
                         "3\n127\n126\n126\n0\n"));
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(ObserveTest, EventsOfVolumesAndNetworks) {
  const auto events = [&](std::vector<std::string> filters, const std::string& form) {
    std::vector<std::string> words = {"events", "--since", "1h", "--until", "0s", "--format", form};
    for (const std::string& filter : filters) words.insert(words.end(), {"-f", filter});
    const Result result = Tiny(words);
    EXPECT_EQ(result.code, 0) << result.err;
    return Lines(result.out);
  };
  EXPECT_EQ(Tiny({"volume", "create", "data"}).code, 0);
  EXPECT_EQ(Tiny({"volume", "create", "data"}).code, 0);  // it is there already
  EXPECT_EQ(Tiny({"volume", "create", "other"}).code, 0);
  EXPECT_EQ(Run({"--rm", "-v", "data:/data", "-v", "/anonymous", "true"}).code, 0);
  EXPECT_EQ(Tiny({"volume", "rm", "data"}).code, 0);
  EXPECT_EQ(Tiny({"volume", "prune", "-a", "-f"}).code, 0);
  const std::string form = "{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.driver}}";
  EXPECT_THAT(events({"volume=data"}, form),
              ElementsAre("volume create data local", "volume destroy data local"));
  EXPECT_THAT(
      events({"type=volume"}, "{{.Action}} {{len .Actor.ID}}"),
      ElementsAre("create 4", "create 5", "create 64", "destroy 64", "destroy 4", "destroy 5"));

  const std::string network = Tiny({"network", "create", "front"}).out.substr(0, 64);
  const std::string id = Detached({"--network", "front", "--name", "web", "sleep", "1000"});
  EXPECT_EQ(Tiny({"network", "disconnect", "front", "web"}).code, 0);
  EXPECT_EQ(Tiny({"network", "connect", "front", "web"}).code, 0);
  RemoveAll();
  EXPECT_EQ(Tiny({"network", "rm", "front"}).code, 0);
  EXPECT_THAT(events({"type=network", "network=front"}, "{{.Action}}"),
              ElementsAre("create", "connect", "disconnect", "connect", "disconnect", "destroy"));
  EXPECT_THAT(events({"network=" + network}, "{{.Action}} {{.Actor.Attributes.type}}"),
              ElementsAre("create bridge", "destroy bridge"));
  EXPECT_THAT(
      events({"type=network", "container=" + id}, "{{.Action}} {{.Actor.Attributes.name}}"),
      ElementsAre("connect front", "disconnect front", "connect front", "disconnect front"));
}

TEST_F(ObserveTest, EventsAsTheyHappen) {
  Terminal watcher(24, 80);
  watcher.Start(CommandLine({"events", "-f", "event=die", "--format", "<{{.Action}}>"}));
  // It may not watch yet when the first one ends.
  bool seen = false;
  for (int i = 0; i < 3 && !seen; ++i) {
    EXPECT_EQ(Run({"--rm", "true"}).code, 0);
    seen = watcher.Shows("<die>");
  }
  EXPECT_TRUE(seen);
  EXPECT_THAT(watcher.shown(), Not(HasSubstr("<start>")));
  watcher.Type("\x03");
  watcher.Finish();
}

TEST_F(ObserveTest, DiffTopStatsAndWhy) {
  const char* script = "echo x > /etc/new-file; rm -f /etc/hostname 2>/dev/null; exec sleep 1000";
  const std::string id = Detached({"--name", "web", "sh", "-c", script});
  EXPECT_TRUE(Eventually({"exec", id, "cat", "/etc/new-file"}, "x\n"));
  EXPECT_THAT(Tiny({"diff", id}), Succeeds(HasSubstr("A /etc/new-file\n")));
  EXPECT_THAT(Tiny({"top", id, "-o", "pid,comm"}).out, HasSubstr("sleep"));
  EXPECT_THAT(Lines(Tiny({"stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}"}).out),
              ElementsAre("web 1"));
  EXPECT_EQ(Tiny({"kill", id}).code, 0);
  EXPECT_THAT(Tiny({"why", id}), Succeeds(HasSubstr("137")));
  RemoveAll();
}

}  // namespace
}  // namespace tiny::e2e
