// Every option of every command, given values that are wrong: each is refused in one clear line
// that names the option, with the right exit code, and leaves nothing.
//
// The options are those of the command line's own tables, so that a new option without a row in
// kRows fails this test.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "cli/commands.h"
#include "e2e/harness.h"

namespace tiny::e2e {
namespace {

using cli::Command;
using cli::Option;
using Words = std::vector<std::string>;

// In values: $FILE a file that is there, $DIR a folder, $LONG 5000 letters.
struct Row {
  absl::string_view option;
  Words values;
  absl::string_view commands = "";  // the only ones that it is for, separated by commas; "": all
  std::string said = "";            // what the error names; "": the flag
  int code = cli::kUsageErrorCode;
};

const Words kBadFormats = {"{{", "{{nosuchfunction .}}", "{{if}}", "{{end}}"};
const Words kBadTimes = {"", "yesterday", "-", "5 parsecs", "2026-99-99"};
const Words kBadSizes = {"", "much", "-5m", "5q", "99999999999999999999g", "0x10", "m"};
const Words kBadSignals = {"", "NOSUCH", "0", "-1", "99", "TERM TERM"};
const Words kBadSeconds = {"", "soon", "-2", "99999999999999999999", "1.5"};
const Words kBadDurations = {"", "soon", "-1s", "5 parsecs"};
const Words kBadDiskRates = {"", "x", "/dev/null", "/dev/null:x", "/dev/null:-1", "/no/such:1"};
const Words kBadLabels = {"", "=value"};

// Two rows may be about one option.
const Row kRows[] = {
    {"add-host", {"", "x", "x:", "x:bogus", ":10.0.0.1", "a b:10.0.0.1"}},
    {"alias", {"", "a b", "-x"}, "", "alias", 1},
    {"annotation", {"", "novalue", "=x"}},
    {"attach", {"", "stdboth"}, "run,create"},
    {"aux-address", {"", "x", "a=x", "=10.0.0.1"}},
    {"blkio-weight", {"", "5", "x", "1001", "-1"}},
    {"cap-add", {"", "BOGUS", "CAP_"}},
    {"cap-drop", {"", "BOGUS"}},
    {"cgroup-parent", {"", "/../x", "/a/../../x"}},
    {"cgroupns", {"", "bogus", "container:x"}},
    {"cidfile", {"$FILE", "/no/such/folder/cid"}},
    {"cpu-period", {"", "1", "x", "99999999", "-1"}},
    {"cpu-quota", {"", "-5", "x", "99999999999999999999"}},
    {"cpu-shares", {"", "-1", "x", "9999999"}},
    {"cpus", {"", "-1", "x", "1000", "1,5", "1e3"}},
    {"cpuset-cpus", {"", "x", "1-", "3-1", "-1", "0,,1"}},
    {"cpuset-cpus", {"7000"}, "", "this machine has"},
    {"cpuset-mems", {"", "x", "1-"}},
    {"cpuset-mems", {"7000"}, "", "this machine has"},
    {"detach-keys", {"ctrl-", "ctrl-1x", "abc", "a,,b"}},
    {"device", {"", "relative", "/dev/null:/dev/x:zz", "/dev/null:x", "/no/such/device", "$FILE"}},
    {"device-cgroup-rule", {"", "x", "c 1", "c 1:3 z", "d 1:3 r"}},
    {"device-read-bps", kBadDiskRates},
    {"device-read-iops", kBadDiskRates},
    {"device-write-bps", kBadDiskRates},
    {"device-write-iops", kBadDiskRates},
    {"dns", {"", "x", "1.2.3", "1.2.3.4.5"}},
    {"dns-opt", {"", "a b"}},
    {"dns-option", {"", "a b", "x\nnameserver 10.0.0.1"}},
    {"dns-search", {"", "a b"}},
    {"domainname", {"a b", "$LONG"}},
    {"driver", {"", "nfs"}},
    {"entrypoint", {"/no/such/program"}, "run", "/no/such/program", 127},
    {"env", {"", "=x"}},
    {"env-file", {"", "/no/such", "$DIR"}},
    {"expose", {"", "x", "70000", "80/icmp", "0", "9-8"}},
    {"filter", {"", "x", "bogus=1"}},
    {"filter", {"status=bogus", "exited=x", "health=bogus", "publish=x"}, "ps"},
    {"filter", {"before=nobody"}, "ps", "nobody", 1},
    {"filter", {"until=bogus"}, "container prune,network prune,system prune"},
    {"filter", {"until=1h"}, "volume prune"},
    {"format", kBadFormats, "", "template", 1},
    {"gateway", {"", "x", "10.0.0"}},
    {"group-add", {"", "-1", "99999999999"}},
    {"group-add", {"no-such-group"}, "run"},
    {"health-interval", kBadDurations},
    {"health-retries", {"", "x", "-1"}},
    {"health-start-interval", kBadDurations},
    {"health-start-period", kBadDurations},
    {"health-timeout", kBadDurations},
    {"hostname", {"a b", "-x", "$LONG", "a/b"}},
    {"ip", {"", "x", "10.0.0", "1.2.3.4.5", "::1"}},
    {"ip-range", {"", "x", "10.0.0.0/33"}},
    {"ip6", {"", "x", "10.0.0.1"}},
    {"ipam-driver", {"", "dhcp"}},
    {"ipc", {"", "bogus", "container:"}},
    {"isolation", {"", "hyperv"}},
    {"label", kBadLabels},
    {"label-file", {"", "/no/such", "$DIR"}},
    {"last", {"", "x", "-2"}},
    {"log-driver", {"", "syslog"}},
    {"log-opt", {"", "max-size", "max-size=x", "max-file=0"}},
    {"log-opt", {"max-size=0", "no=1"}, "", "log option"},
    {"mac-address", {"", "x", "01:02", "01:02:03:04:05:0g"}},
    {"memory", kBadSizes},
    {"memory", {"1k"}},
    {"memory", {"0"}, "update", "nothing to change"},
    {"memory-reservation", kBadSizes},
    {"memory-swap", {"", "much", "-2", "5q"}},
    {"memory-swap", {"1m"}, "run,create"},
    {"memory-swap", {"1m"}, "update", "", 1},
    {"memory-swappiness", {"", "101", "x", "-2"}},
    {"mount",
     {"", "type=bogus,dst=/x", "type=bind,dst=/x", "src=a", "type=tmpfs,dst=/x,tmpfs-size=-1",
      "type=volume,dst=relative", "bogus=1,dst=/x", "type=tmpfs,dst=/x,ro=maybe",
      "type=volume,src=a/b,dst=/x"}},
    {"mount", {"type=bind,src=/no/such,dst=/x"}, "", "bind source /no/such"},
    {"name", {"", "a", "-x", "a/b", "../x", "$LONG", "a b", "\xc3\xa4\xc3\xa4"}, "run,create"},
    {"name", {"-x", "a/b", "../x", "$LONG", "a b"}, "volume create", "name", 1},
    {"net", {"", "a b"}},
    {"net", {"no-such-network", "container:nobody"}, "", "no such"},
    {"net-alias", {"", "a b"}, "", "alias"},
    {"network", {"", "a b", "host:x"}},
    {"network", {"no-such-network", "container:nobody"}, "", "no such"},
    {"network-alias", {"", "a b"}},
    {"oom-score-adj", {"", "x", "1001", "-1001"}},
    {"opt", {"", "x"}},
    {"opt", {"bogus=1"}, "volume create", "driver options", 1},
    {"pid", {"", "bogus", "container:"}},
    {"pid", {"container:nobody"}, "", "no such container: nobody"},
    {"pids-limit", {"", "x", "-2", "99999999"}},
    {"platform", {"", "bogus", "windows/amd64"}},
    {"publish",
     {"", "x", "0", "70000", "-1", "1-", "80:", "8080-8081:80-82", "1.2.3:80:80", "80/icmp"}},
    {"pull", {"", "sometimes"}},
    {"restart", {"", "maybe", "on-failure:x", "on-failure:-1", "always:3"}},
    {"rootfs", {"", "/no/such", "$FILE", "/no/such:O", "$FILE:O"}},
    {"scope", {"", "swarm"}},
    {"security-opt",
     {"", "bogus", "seccomp=/no/such", "no-new-privileges=maybe", "bogus=1", "seccomp=$FILE"}},
    {"shm-size", kBadSizes},
    {"signal", kBadSignals},
    {"since", kBadTimes},
    {"stop-signal", kBadSignals},
    {"stop-timeout", kBadSeconds},
    {"subnet", {"", "x", "10.0.0.0/33", "10.0.0.1"}},
    {"sysctl", {"", "x", "../x=1"}},
    {"sysctl", {"kernel.panic=1"}, "", "sysctl.kernel.panic"},
    {"time", kBadSeconds},
    {"timeout", kBadSeconds, "stop,restart"},
    {"timeout", kBadDurations, "network doctor"},
    {"tmpfs", {"", "relative", "/x:bogus", "/x:size=-1", "/x:size=abc"}},
    {"to", {"", "x", "a:99999", ":80"}},
    {"type", {"", "x"}},
    {"ulimit", {"", "x", "nofile", "nofile=x", "nofile=-5", "nofile=5:3", "bogus=1"}},
    {"until", kBadTimes},
    {"user", {"99999999999", "-1", "1:2:3"}, "run,create"},
    {"user", {"no-such-user", "a:b:c"}, "run"},  // of the root as it is at the start
    {"user", {"no-such-user", "99999999999", "-1"}, "exec", "--user", 126},
    {"userns", {"", "bogus"}},
    {"uts", {"", "bogus", "container:x"}},
    {"volume", {"", "relative", "/a:/b:bogus", ":/x", "/a:", "/tmp:relative", "/tmp:/"}},
    {"volume-driver", {"", "nfs"}},
    {"volumes-from", {"", "nobody", "target:bogus"}},
    {"workdir", {"", "relative"}},
};

// What takes any value at all.
const std::set<std::pair<absl::string_view, absl::string_view>> kTakesAnything = {
    {"create", "entrypoint"},  // the program may come later
    {"create", "health-cmd"},  // a shell's
    {"run", "health-cmd"},
    {"logs", "tail"},  // "negative or non-integer = all", as in Docker's
};

bool IsFor(const Row& row, const Command& command) {
  if (row.commands.empty()) return true;
  const std::vector<absl::string_view> names = absl::StrSplit(row.commands, ',');
  return std::count(names.begin(), names.end(), command.name) > 0;
}

class BadValuesTest : public TinyTest {
 protected:
  void SetUp() override {
    TinyTest::SetUp();
    if (IsSkipped()) return;
    file_ = dir_.Write("file", "not what you want\n");
    ASSERT_EQ(Run({"-d", "--name", "target", "sleep", "1000"}).code, 0);
    ASSERT_EQ(Tiny({"volume", "create", "kept"}).code, 0);
  }

  void TearDown() override {
    EXPECT_EQ(Tiny({"rm", "-f", "target"}).code, 0);
    EXPECT_EQ(Tiny({"volume", "rm", "kept"}).code, 0);
    TinyTest::TearDown();
  }

  // The words after the options with which the command would do its work.
  Words Operands(const Command& command) const {
    if (command.name == "run" || command.name == "create") return {"true"};
    if (command.name == "exec") return {"target", "true"};
    if (command.name == "cp") return {"target:/etc/passwd", "-"};
    if (command.name == "network create") return {"new"};
    if (command.name == "network doctor") return {"target"};
    if (command.name == "network inspect") return {"bridge"};
    if (command.name == "volume inspect") return {"kept"};
    if (command.name == "network connect") return {"bridge", "target"};
    if (command.name == "network disconnect") return {"bridge", "target"};
    if (absl::StartsWith(command.name, "volume") || absl::StartsWith(command.name, "network")) {
      return command.min_arguments > 0 ? Words{"nothing"} : Words{};
    }
    return command.min_arguments > 0 ? Words{"target"} : Words{};
  }

  Words CommandWith(const Command& command, const std::string& option) const {
    Words words = absl::StrSplit(command.name, ' ');
    if (command.name == "run" || command.name == "create") {
      words.insert(words.end(), {"--cgroup-parent", cgroup_parent(), "--rootfs", "/:O"});
      if (!absl::StrContains(option, "net")) words.insert(words.end(), {"--network", "none"});
    }
    words.push_back(option);
    const Words operands = Operands(command);
    words.insert(words.end(), operands.begin(), operands.end());
    return words;
  }

  void ExpectRefused(const Words& words, const std::string& said, int code) {
    const Result result = Tiny(words);
    std::string why;
    EXPECT_TRUE(IsClearError(result, code, said, &why))
        << "tiny " << absl::StrJoin(words, " ").substr(0, 300) << "\n"
        << why << "\n"
        << ::testing::PrintToString(result);
    const std::vector<std::string> records =
        ListDirectory(RootPath() + "/containers").value_or(Words{});
    if (records.size() != 1) {
      ADD_FAILURE() << "tiny " << absl::StrJoin(words, " ") << " left a container";
      for (const std::string& id : records) {
        if (id != Inspect("target", "{{.Id}}")) Tiny({"rm", "-f", id});
      }
    }
  }

  std::string Filled(const std::string& value) const {
    return absl::StrReplaceAll(
        value, {{"$FILE", file_}, {"$DIR", dir_.path()}, {"$LONG", std::string(5000, 'x')}});
  }

  testing::TempDir dir_;
  std::string file_;
};

template <typename Function>
void ForEachOption(Function function) {
  for (const Command* command : cli::AllCommands()) {
    for (const cli::OptionGroup* group : command->options) {
      for (const Option& option : group->options) function(*command, option);
    }
  }
}

TEST_F(BadValuesTest, EveryOptionHasARow) {
  ForEachOption([](const Command& command, const Option& option) {
    if (option.value.empty() || option.set == nullptr) return;  // all alike: see below
    const bool has_row = std::any_of(std::begin(kRows), std::end(kRows), [&](const Row& row) {
      return row.option == option.name && IsFor(row, command) && !row.values.empty();
    });
    EXPECT_NE(has_row, kTakesAnything.contains({command.name, option.name}))
        << "tiny " << command.name << " --" << option.name;
  });
}

TEST_F(BadValuesTest, SwitchesAreTrueOrFalse) {
  ForEachOption([this](const Command& command, const Option& option) {
    if (!option.value.empty() || option.set == nullptr) return;
    const std::string flag = absl::StrCat("--", option.name);
    ExpectRefused(CommandWith(command, flag + "=maybe"), flag, cli::kUsageErrorCode);
    ExpectRefused(CommandWith(command, flag + "="), flag, cli::kUsageErrorCode);
  });
}

TEST_F(BadValuesTest, AValueCannotBeMissing) {
  ForEachOption([this](const Command& command, const Option& option) {
    if (option.value.empty() || option.set == nullptr) return;
    const std::string flag = absl::StrCat("--", option.name);
    Words words = absl::StrSplit(command.name, ' ');
    words.push_back(flag);
    ExpectRefused(words, flag, cli::kUsageErrorCode);
  });
}

TEST_F(BadValuesTest, RefusedOptionsSayWhy) {
  ForEachOption([this](const Command& command, const Option& option) {
    if (option.set != nullptr) return;
    const std::string flag = absl::StrCat("--", option.name);
    ExpectRefused(CommandWith(command, flag + "=x"), flag, cli::kUsageErrorCode);
  });
}

TEST_F(BadValuesTest, WrongValues) {
  ForEachOption([this](const Command& command, const Option& option) {
    if (option.value.empty() || option.set == nullptr) return;
    for (const Row& row : kRows) {
      if (row.option != option.name || !IsFor(row, command)) continue;
      for (const std::string& value : row.values) {
        const std::string flag = absl::StrCat("--", option.name);
        const std::string& said = row.said.empty() ? flag : row.said;
        // What the engine refuses, and not the command line, is 125 for these alone.
        const bool is_run = command.name == "run" || command.name == "create";
        ExpectRefused(CommandWith(command, flag + "=" + Filled(value)), said,
                      is_run && row.code == 1 ? cli::kUsageErrorCode : row.code);
      }
    }
  });
}

}  // namespace
}  // namespace tiny::e2e
