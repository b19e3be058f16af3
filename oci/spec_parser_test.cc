#include "oci/spec_parser.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oci/spec_serializer.h"
#include "oci/state.h"
#include "testing/status_matchers.h"

namespace tiny::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::tiny::testing::StatusIs;

// Every field that the specification has for Linux.
constexpr char kFull[] = R"({
  "ociVersion": "1.2.0",
  "process": {
    "terminal": true, "consoleSize": {"height": 24, "width": 80},
    "user": {"uid": 1, "gid": 2, "umask": 18, "additionalGids": [3, 4]},
    "args": ["sh", "-c", "exit"], "env": ["A=b", "C=\u00fc"], "cwd": "/work",
    "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"],
      "inheritable": ["CAP_CHOWN"], "permitted": ["CAP_KILL"], "ambient": ["CAP_FOWNER"]},
    "rlimits": [{"type": "RLIMIT_CORE", "hard": 18446744073709551615, "soft": 0}],
    "noNewPrivileges": true, "apparmorProfile": "p", "oomScoreAdj": -5, "selinuxLabel": "l",
    "scheduler": {"policy": "SCHED_DEADLINE", "nice": -1, "priority": 3, "flags": ["F"],
      "runtime": 1, "deadline": 2, "period": 3},
    "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
    "execCPUAffinity": {"initial": "0", "final": "1-2"}
  },
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "h", "domainname": "d",
  "mounts": [{"destination": "/m", "type": "bind", "source": "/s", "options": ["rbind"],
    "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
    "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}]}],
  "hooks": {
    "prestart": [{"path": "/p", "args": ["p"], "env": ["E=1"], "timeout": 5}],
    "createRuntime": [{"path": "/cr"}], "createContainer": [{"path": "/cc"}],
    "startContainer": [{"path": "/sc"}], "poststart": [{"path": "/ps"}],
    "poststop": [{"path": "/po"}]
  },
  "annotations": {"k": "v"},
  "linux": {
    "uidMappings": [{"containerID": 0, "hostID": 1, "size": 2}],
    "gidMappings": [{"containerID": 3, "hostID": 4, "size": 5}],
    "sysctl": {"net.ipv4.ip_forward": "1"},
    "resources": {
      "devices": [{"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rw"}],
      "memory": {"limit": 1, "reservation": 2, "swap": -1, "kernel": 4, "kernelTCP": 5,
        "swappiness": 60, "disableOOMKiller": true, "useHierarchy": true,
        "checkBeforeUpdate": true},
      "cpu": {"shares": 1, "quota": -1, "burst": 3, "period": 4, "realtimeRuntime": 5,
        "realtimePeriod": 6, "cpus": "0-1", "mems": "0", "idle": 1},
      "pids": {"limit": 7},
      "blockIO": {"weight": 10, "leafWeight": 11,
        "weightDevice": [{"major": 8, "minor": 0, "weight": 12, "leafWeight": 13}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}],
        "throttleWriteBpsDevice": [{"major": 8, "minor": 0, "rate": 2}],
        "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 3}],
        "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 4}]},
      "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}],
      "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 5}]},
      "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 4}},
      "unified": {"memory.high": "1"}
    },
    "cgroupsPath": "/c",
    "namespaces": [{"type": "pid"}, {"type": "network", "path": "/n"}],
    "devices": [{"type": "c", "path": "/dev/x", "major": 1, "minor": 2, "fileMode": 438,
      "uid": 1, "gid": 2}],
    "netDevices": {"eth1": {"name": "eth0"}},
    "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
      "architectures": ["SCMP_ARCH_X86_64"], "flags": ["SECCOMP_FILTER_FLAG_LOG"],
      "listenerPath": "/l", "listenerMetadata": "m",
      "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1,
        "args": [{"index": 1, "value": 18446744073709551615, "valueTwo": 2,
                  "op": "SCMP_CMP_EQ"}]}]},
    "rootfsPropagation": "slave", "maskedPaths": ["/a"], "readonlyPaths": ["/b"],
    "mountLabel": "ml",
    "intelRdt": {"closID": "c", "l3CacheSchema": "L3:0=ff", "memBwSchema": "MB:0=1",
      "schemata": ["L2:0=1"], "enableMonitoring": true},
    "personality": {"domain": "LINUX32"},
    "timeOffsets": {"monotonic": {"secs": -1, "nanosecs": 2}}
  }
})";

constexpr char kMinimal[] =
    R"({"ociVersion": "1.0.0", "root": {"path": "r"}, "process": {"cwd": "/", "args": ["a"]}})";

TEST(ParseSpecTest, EveryFieldArrives) {
  ASSERT_OK_AND_ASSIGN(const Spec spec, ParseSpec(kFull));
  EXPECT_EQ(spec.process->console_size->width, 80);
  EXPECT_EQ(spec.process->user.umask, 18u);
  EXPECT_THAT(spec.process->user.additional_gids, ElementsAre(3, 4));
  EXPECT_EQ(spec.process->env[1], "C=\xc3\xbc");
  EXPECT_EQ(spec.process->rlimits[0].hard, UINT64_MAX);
  EXPECT_EQ(spec.process->oom_score_adj, -5);
  EXPECT_EQ(spec.process->exec_cpu_affinity->final_affinity, "1-2");
  EXPECT_EQ(spec.mounts[0].uid_mappings[0].host_id, 1000u);
  EXPECT_EQ(spec.hooks.prestart[0].timeout, 5);
  EXPECT_EQ(spec.linux_.resources->memory->swap, -1);
  EXPECT_EQ(spec.linux_.resources->cpu->burst, 3u);
  EXPECT_EQ(spec.linux_.resources->pids_limit, 7);
  EXPECT_EQ(spec.linux_.resources->block_io->throttle_write_iops_device[0].rate, 4u);
  EXPECT_THAT(spec.linux_.resources->unified, ElementsAre(Pair("memory.high", "1")));
  EXPECT_EQ(spec.linux_.seccomp->syscalls[0].args[0].value, UINT64_MAX);
  EXPECT_EQ(spec.linux_.time_offsets.at("monotonic").secs, -1);
}

TEST(ParseSpecTest, SerializerWritesWhatTheParserRead) {
  for (const char* json : {kFull, kMinimal}) {
    ASSERT_OK_AND_ASSIGN(const Spec spec, ParseSpec(json));
    const std::string text = SerializeSpec(spec);
    ASSERT_OK_AND_ASSIGN(const Spec again, ParseSpec(text));
    EXPECT_EQ(SerializeSpec(again), text);
    ASSERT_OK_AND_ASSIGN(const Spec pretty, ParseSpec(SerializeSpec(spec, true)));
    EXPECT_EQ(SerializeSpec(pretty), text);
  }
  // Nothing of the full one is lost on the way: its keys are all there again.
  ASSERT_OK_AND_ASSIGN(const Spec spec, ParseSpec(kFull));
  const std::string text = SerializeSpec(spec);
  const absl::string_view full = kFull;
  for (size_t at = full.find('"'); at != absl::string_view::npos; at = full.find('"', at + 1)) {
    const size_t end = full.find('"', at + 1);
    if (full.substr(at, end - at).find('\\') == absl::string_view::npos) {
      EXPECT_THAT(text, HasSubstr(std::string(full.substr(at, end - at + 1))));
    }
    at = end;
  }
}

TEST(ParseSpecTest, UnknownFieldsAreIgnoredAndNullIsAbsent) {
  ASSERT_OK_AND_ASSIGN(const Spec spec,
                       ParseSpec(R"({"ociVersion": "1.0.0", "future": {"a": [1]}, "mounts": null,
                    "process": {"cwd": "/", "args": null, "x": 1, "capabilities": null},
                    "linux": {"resources": {"memory": {"limit": null, "y": true}}},
                    "vm": {"kernel": 7}})"));
  EXPECT_TRUE(spec.mounts.empty());
  EXPECT_FALSE(spec.process->capabilities.has_value());
  EXPECT_FALSE(spec.linux_.resources->memory->limit.has_value());
}

TEST(ParseSpecTest, WhatIsRequiredHasNoDefault) {
  ASSERT_OK_AND_ASSIGN(const Spec spec, ParseSpec(R"({"process": {"args": ["a"]}})"));
  EXPECT_EQ(spec.oci_version, "");
  EXPECT_EQ(spec.process->cwd, "");
}

TEST(ParseSpecTest, RelativeMountDestinationsAreMeantFromTheRoot) {
  ASSERT_OK_AND_ASSIGN(const Spec spec,
                       ParseSpec(R"({"mounts": [{"destination": "data/x", "source": "/"}]})"));
  EXPECT_EQ(spec.mounts[0].destination, "/data/x");
}

struct WrongCase {
  const char* json;
  const char* message;
};
void PrintTo(const WrongCase& c, std::ostream* out) { *out << c.json; }
class WrongSpecTest : public ::testing::TestWithParam<WrongCase> {};

TEST_P(WrongSpecTest, ErrorNamesThePath) {
  EXPECT_THAT(ParseSpec(GetParam().json),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongSpecTest,
    ::testing::Values(
        WrongCase{"", "line 1, column 1"}, WrongCase{"{\n \"a\": }", "line 2, column 7"},
        WrongCase{"[]", "expected an object, found a list"},
        WrongCase{"1", "expected an object, found the number 1"},
        WrongCase{R"({"linux": {"resources": {"memory": {"limit": "64m"}}}})",
                  "linux.resources.memory.limit: expected an integer, found a string"},
        WrongCase{R"({"linux": {"resources": {"memory": {"limit": 1.5}}}})",
                  "linux.resources.memory.limit: expected an integer, found a number with a "
                  "fraction"},
        WrongCase{R"({"linux": {"resources": {"memory": {"limit": 9223372036854775808}}}})",
                  "linux.resources.memory.limit: 9223372036854775808 is not between"},
        WrongCase{R"({"linux": {"resources": {"cpu": {"shares": -1}}}})",
                  "linux.resources.cpu.shares: -1 is not between 0 and"},
        WrongCase{R"({"linux": {"resources": {"blockIO": {"weight": 65536}}}})",
                  "linux.resources.blockIO.weight: 65536 is not between 0 and 65535"},
        WrongCase{R"({"linux": {"resources": {"pids": 5}}})",
                  "linux.resources.pids: expected an object, found the number 5"},
        WrongCase{R"({"linux": {"resources": {"pids": {"limit": "x"}}}})",
                  "linux.resources.pids.limit: expected an integer"},
        WrongCase{R"({"process": {"args": "sh"}})",
                  "process.args: expected a list, found a string"},
        WrongCase{R"({"process": {"args": ["sh", 1]}})",
                  "process.args[1]: expected a string, found the number 1"},
        WrongCase{R"({"process": {"args": ["a\u0000b"]}})", "process.args[0]: has a NUL"},
        WrongCase{R"({"process": {"terminal": 1}})", "process.terminal: expected true or false"},
        WrongCase{R"({"process": {"user": {"uid": 4294967296}}})",
                  "process.user.uid: 4294967296 is not between 0 and 4294967295"},
        WrongCase{R"({"process": {"user": {"uid": -1}}})", "process.user.uid: -1 is not between"},
        WrongCase{R"({"mounts": {"destination": "/"}})", "mounts: expected a list"},
        WrongCase{R"({"mounts": [{"options": [true]}]})",
                  "mounts[0].options[0]: expected a string, found true"},
        WrongCase{R"({"hooks": {"poststop": [{"path": "/x"}, {"timeout": "1"}]}})",
                  "hooks.poststop[1].timeout: expected an integer"},
        WrongCase{R"({"linux": {"sysctl": {"net.x": 1}}})",
                  "linux.sysctl.net.x: expected a string"},
        WrongCase{R"({"linux": {"sysctl": []}})", "linux.sysctl: expected an object"},
        WrongCase{R"({"annotations": {"a": ["b"]}})", "annotations.a: expected a string"},
        WrongCase{"{\"hostname\": \"\xff\"}", "is not JSON"},
        WrongCase{R"({"hostname": "\ud800"})", "is not JSON"}));

TEST(ParseSpecTest, DeepAndLongTextsAreRefused) {
  const std::string deep = absl::StrCat(R"({"x": )", std::string(100000, '['));
  EXPECT_THAT(ParseSpec(deep), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deeper")));
  const std::string quoted = absl::StrCat(R"({"x": ")", std::string(1000, '['), R"("})");
  EXPECT_OK(ParseSpec(quoted));
  const std::string longer = absl::StrCat("{}", std::string(17 << 20, ' '));
  EXPECT_THAT(ParseSpec(longer), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("16 MiB")));
}

TEST(ParsePartsTest, ProcessAndResourcesAlone) {
  ASSERT_OK_AND_ASSIGN(const Process process, ParseProcess(R"({"args": ["a"], "cwd": "/x"})"));
  EXPECT_EQ(process.cwd, "/x");
  EXPECT_THAT(ParseProcess(R"({"args": 1})"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("process.args")));
  ASSERT_OK_AND_ASSIGN(const Resources resources, ParseResources(R"({"pids": {"limit": 3}})"));
  EXPECT_EQ(resources.pids_limit, 3);
  EXPECT_THAT(ParseResources(R"({"memory": 1})"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("linux.resources.memory")));
}

TEST(StateTest, IsTheSpecifications) {
  EXPECT_EQ(SerializeState({.id = "c1",
                            .status = "running",
                            .pid = 42,
                            .bundle = "/b",
                            .annotations = {{"k", "v"}}}),
            R"({"ociVersion":"1.3.0","id":"c1","status":"running","pid":42,"bundle":"/b",)"
            R"("annotations":{"k":"v"}})");
  EXPECT_EQ(SerializeState({.id = "c1", .status = "stopped", .bundle = "/b"}),
            R"({"ociVersion":"1.3.0","id":"c1","status":"stopped","bundle":"/b"})");
}

}  // namespace
}  // namespace tiny::oci
