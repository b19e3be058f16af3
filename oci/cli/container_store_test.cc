#include "oci/cli/container_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ns/network_maker.h"
#include "oci/cli/bundle.h"
#include "oci/cli/log.h"
#include "security/caller.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

class ContainerStoreTest : public ::testing::Test {
 protected:
  Record Sample(const std::string& id) {
    return {.id = id,
            .oci_version = "1.0.2",
            .bundle = "/b",
            .rootfs = "/b/r",
            .cgroup_path = absl::StrCat("/tiny-test-", getpid(), "/none"),
            .owner = "root",
            .created = absl::FromUnixSeconds(1700000000),
            .init = IdentifyProcess(getpid()).value_or(ProcessIdentity{}),
            .needs_config = true,
            .annotations = {{"k", "v\n"}},
            .config = "{\n\"ociVersion\": \"1.0.2\"}\n"};
  }

  tiny::testing::TempDir temp_;
  const ContainerStore store_{temp_.Path("root")};
};

TEST_F(ContainerStoreTest, ARecordComesBack) {
  ASSERT_OK(store_.Claim("c1").status());
  const Record record = Sample("c1");
  ASSERT_OK(store_.Save(record));
  ASSERT_OK_AND_ASSIGN(const Record loaded, store_.Load("c1"));
  EXPECT_EQ(loaded.bundle, record.bundle);
  EXPECT_EQ(loaded.created, record.created);
  EXPECT_EQ(loaded.init, record.init);
  EXPECT_EQ(loaded.annotations, record.annotations);
  EXPECT_TRUE(loaded.needs_config);
  EXPECT_EQ(loaded.config, record.config);
}

TEST_F(ContainerStoreTest, AnIdIsClaimedOnce) {
  ASSERT_OK(store_.Claim("c1").status());
  EXPECT_THAT(store_.Claim("c1"), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("c1")));
  ASSERT_OK(store_.Remove("c1"));
  EXPECT_OK(store_.Claim("c1").status());
}

TEST_F(ContainerStoreTest, NothingOfARemovedOneIsLeft) {
  ASSERT_OK(store_.Claim("c1").status());
  ASSERT_OK(store_.NoteCgroup("c1", "/a/b"));
  ASSERT_OK(store_.NoteUnit("c1", "c1.scope"));
  ASSERT_OK(store_.Save(Sample("c1")));
  temp_.Write("root/c1/start", "");
  temp_.Write("root/c1/.record", "of a creator that was killed");
  ASSERT_OK(store_.Remove("c1"));
  EXPECT_FALSE(PathExists(temp_.Path("root/c1")));
  EXPECT_OK(store_.Remove("c1"));
}

TEST_F(ContainerStoreTest, IdsAreNamesNotPaths) {
  for (const std::string& id : {std::string("a"), std::string("A-b_c.d+1"), std::string(".x")}) {
    EXPECT_OK(store_.Claim(id).status()) << id;
  }
  for (const std::string& id :
       {std::string(""), std::string("."), std::string(".."), std::string("a/b"),
        std::string("../x"), std::string("a b"), std::string("a\n"), std::string("a\0b", 3)}) {
    EXPECT_THAT(store_.Claim(id), StatusIs(absl::StatusCode::kInvalidArgument)) << id;
    EXPECT_FALSE(store_.Load(id).ok());
    EXPECT_FALSE(store_.Remove(id).ok());
    EXPECT_FALSE(store_.Lock(id).ok());
  }
}

TEST_F(ContainerStoreTest, StatusFollowsTheProcess) {
  ASSERT_OK(store_.Claim("c1").status());
  Record record = Sample("c1");
  EXPECT_EQ(store_.StatusOf(record), ContainerStatus::kRunning);
  temp_.Write("root/c1/start", "");
  EXPECT_EQ(store_.StatusOf(record), ContainerStatus::kCreated);
  record.init.start_time += 1;  // another process has the pid by now
  EXPECT_EQ(store_.StatusOf(record), ContainerStatus::kStopped);
  record = Sample("c1");
  record.init.boot_id = "another";
  EXPECT_EQ(store_.StatusOf(record), ContainerStatus::kStopped);
}

TEST_F(ContainerStoreTest, KnowsWhetherItOutlivesTheMachinesRun) {
  EXPECT_TRUE(ContainerStore("/dev/shm").IsInMemory());
  EXPECT_FALSE(ContainerStore("/proc").IsInMemory());
  EXPECT_FALSE(ContainerStore("/dev/shm/missing").IsInMemory());
}

TEST_F(ContainerStoreTest, OneWithoutARecordIsBeingMadeForAsLongAsItsClaimIsOpen) {
  EXPECT_THAT(store_.LoadRemains("c1"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(store_.IsBeingMade("c1"));
  {
    ASSERT_OK_AND_ASSIGN(const UniqueFd claim, store_.Claim("c1"));
    EXPECT_TRUE(store_.IsBeingMade("c1"));
    EXPECT_TRUE(store_.IsBeingMade("c1"));
    EXPECT_THAT(store_.Load("c1"), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_OK(store_.Lock("c1", /*wait=*/false));
  }
  EXPECT_FALSE(store_.IsBeingMade("c1"));
  EXPECT_THAT(store_.Load("c1"), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const Record record, store_.LoadRemains("c1"));
  EXPECT_EQ(store_.StatusOf(record), ContainerStatus::kStopped);
}

TEST_F(ContainerStoreTest, OneThatIsBeingMadeIsWaitedFor) {
  ASSERT_OK_AND_ASSIGN(UniqueFd claim, store_.Claim("c1"));
  ASSERT_OK(store_.Save(Sample("c1")));
  std::thread creator([&claim] {
    absl::SleepFor(absl::Milliseconds(100));
    claim.Reset();
  });
  const absl::Time begin = absl::Now();
  EXPECT_OK(store_.LoadComplete("c1"));
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(90));
  creator.join();
  EXPECT_OK(store_.LoadComplete("c1"));
}

TEST_F(ContainerStoreTest, ALockIsHeldByOne) {
  ASSERT_OK(store_.Claim("c1").status());
  {
    ASSERT_OK_AND_ASSIGN(const UniqueFd lock, store_.Lock("c1"));
    EXPECT_THAT(store_.Lock("c1", /*wait=*/false), StatusIs(absl::StatusCode::kUnavailable));
  }
  EXPECT_OK(store_.Lock("c1", /*wait=*/false));
}

TEST_F(ContainerStoreTest, WhatItsCreatorNotedIsKnown) {
  ASSERT_OK(store_.Claim("c1").status());
  ASSERT_OK(store_.NoteCgroup("c1", "/a/b"));
  ASSERT_OK(store_.NoteUnit("c1", "c1.scope"));
  ASSERT_OK_AND_ASSIGN(const Record record, store_.LoadRemains("c1"));
  EXPECT_EQ(record.cgroup_path, "/a/b");
  EXPECT_EQ(record.systemd_unit, "c1.scope");
  ASSERT_OK(store_.Claim("c2").status());
  ASSERT_OK_AND_ASSIGN(const Record unnoted, store_.LoadRemains("c2"));
  EXPECT_EQ(unnoted.cgroup_path, "/tiny-oci/c2");
  EXPECT_TRUE(unnoted.owns_processes);  // and so others in it are left alone
  for (const char* path : {"/tiny-oci/c3", ""}) {
    ASSERT_OK(store_.Claim("c3").status());
    ASSERT_OK(store_.NoteCgroup("c3", path));
    ASSERT_OK_AND_ASSIGN(const Record noted, store_.LoadRemains("c3"));
    EXPECT_EQ(noted.cgroup_path, path);
    EXPECT_FALSE(noted.owns_processes);
    ASSERT_OK(store_.Remove("c3"));
  }
  ASSERT_OK_AND_ASSIGN(const auto matching, store_.Match("^c[0-9]$"));
  EXPECT_THAT(matching, ElementsAre("c1", "c2"));
  EXPECT_THAT(store_.Match("("), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ContainerStoreTest, MissingAndDamagedOnesAreTold) {
  EXPECT_THAT(store_.Load("no"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("no")));
  EXPECT_THAT(store_.Lock("no"), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(store_.Claim("c1").status());
  for (const char* text : {"", "{", "{}", "{\n", "{}\n{}", "[]\n", "{\"id\": 7}\n"}) {
    temp_.Write("root/c1/record", text);
    EXPECT_THAT(store_.Load("c1"), StatusIs(absl::StatusCode::kDataLoss)) << text;
  }
}

TEST_F(ContainerStoreTest, ListsItsContainers) {
  ASSERT_OK_AND_ASSIGN(const auto none, store_.List());
  EXPECT_THAT(none, ElementsAre());
  ASSERT_OK(store_.Claim("b").status());
  ASSERT_OK(store_.Claim("a").status());
  ASSERT_OK(store_.Claim(".c").status());
  temp_.Write("root/file", "");
  temp_.Write("root/@seccomp", "");
  ASSERT_OK_AND_ASSIGN(const auto ids, store_.List());
  EXPECT_THAT(ids, ElementsAre(".c", "a", "b"));
}

// As Docker writes them: the last rule of those for a device is the one that counts.
TEST(BundleTest, DefaultDevicesAreAllowedOnce) {
  tiny::testing::TempDir temp;
  temp.Write("rootfs/file", "");
  temp.Write("config.json", R"({"ociVersion": "1.0.2", "root": {"path": "rootfs"},
    "process": {"cwd": "/", "args": ["a"]}, "linux": {"resources": {"devices": [
      {"allow": false, "access": "rwm"},
      {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
      {"allow": true, "type": "c", "major": 1, "minor": 5, "access": "r"},
      {"allow": true, "type": "c", "major": 136, "access": "rwm"}]}}})");
  const Globals globals = {.root = temp.Path("root")};
  ns::NetworkMaker network;
  ASSERT_OK_AND_ASSIGN(const Bundle bundle,
                       LoadBundle(globals, security::Caller(), temp.path(), "", "id", network));
  const std::vector<DeviceRule>& rules = bundle.spec.linux_.resources->devices;
  EXPECT_EQ(rules.size(), 2u + 9u);
  EXPECT_FALSE(rules[0].allow);
  EXPECT_EQ(rules[1].access, "r");
  EXPECT_EQ(bundle.rootfs, temp.Path("rootfs"));
}

TEST(BundleTest, ARootBehindALinkIsWhereItReallyIs) {
  tiny::testing::TempDir temp;
  temp.Write("real/rootfs/file", "");
  temp.Write("bundle/config.json", R"({"ociVersion": "1.0.2", "root": {"path": "rootfs"},
    "process": {"cwd": "/", "args": ["a"]}})");
  ASSERT_EQ(symlink("../real/rootfs", temp.Path("bundle/rootfs").c_str()), 0);
  const Globals globals = {.root = temp.Path("root")};
  ns::NetworkMaker network;
  ASSERT_OK_AND_ASSIGN(const Bundle bundle, LoadBundle(globals, security::Caller(),
                                                       temp.Path("bundle"), "", "id", network));
  EXPECT_EQ(bundle.path, temp.Path("bundle"));
  EXPECT_EQ(bundle.rootfs, temp.Path("real/rootfs"));
}

TEST(CgroupPathTest, StaysBelowTheRoot) {
  const std::pair<const char*, const char*> good[] = {
      {"", "/tiny-oci/id"},
      {"/a/b", "/a/b"},
      {"a/b", "/tiny-oci/a/b"},
      {"/a//b/./c", "/a/b/c"},
      {"system.slice:x:y", "/tiny-oci/system.slice:x:y"},
  };
  for (const auto& [path, expected] : good) {
    ASSERT_OK_AND_ASSIGN(const std::string found, CgroupPathOf(path, "id"));
    EXPECT_EQ(found, expected);
  }
  for (const char* path : {"..", "/..", "/a/../b", "../x", "/", "a/.."}) {
    EXPECT_THAT(CgroupPathOf(path, "id"), StatusIs(absl::StatusCode::kInvalidArgument)) << path;
  }
}

TEST(CapabilitiesTest, UnknownOnesAreLeftOutWithAWarning) {
  Process process;
  process.capabilities.emplace().bounding = {"CAP_FUTURE"};
  process.capabilities->ambient = {"CAP_FUTURE"};
  EXPECT_EQ(DropUnavailableCapabilities(Spec(), process),
            "ignoring unknown or unavailable capabilities: [CAP_FUTURE]");
  EXPECT_THAT(process.capabilities->bounding, ElementsAre());
  EXPECT_THAT(process.capabilities->ambient, ElementsAre());
}

TEST(ZeroLimitsTest, AreAsIfAbsent) {
  Resources resources;
  resources.memory.emplace().limit = 0;
  resources.memory->swap = -1;
  resources.cpu.emplace().shares = 0;
  resources.cpu->quota = 5;
  resources.block_io.emplace().weight = 0;
  resources.pids_limit = 0;
  DropZeroLimits(resources, "1.2.0");
  EXPECT_FALSE(resources.memory->limit.has_value());
  EXPECT_EQ(resources.memory->swap, -1);
  EXPECT_FALSE(resources.cpu->shares.has_value());
  EXPECT_EQ(resources.cpu->quota, 5);
  EXPECT_FALSE(resources.block_io->weight.has_value());
  EXPECT_FALSE(resources.pids_limit.has_value());
}

TEST(ZeroLimitsTest, OfProcessesIsALimitSinceVersion13) {
  for (const char* version : {"1.3.0", "1.3.0-rc.1", "1.10.2"}) {
    Resources resources;
    DropZeroLimits(resources, version);
    EXPECT_FALSE(resources.pids_limit.has_value());
    resources.pids_limit = 0;
    DropZeroLimits(resources, version);
    EXPECT_EQ(resources.pids_limit, 1) << version;
  }
}

TEST(LogTest, LinesAreWhatEnginesParse) {
  const absl::Time time = absl::FromUnixSeconds(0);
  EXPECT_EQ(FormatLogLine("json", "error", "a \"b\"\n", time),
            "{\"level\":\"error\",\"msg\":\"a \\\"b\\\"\\n\","
            "\"time\":\"1970-01-01T00:00:00.000000000Z\"}\n");
  EXPECT_EQ(FormatLogLine("text", "warning", "a \"b\"", time),
            "time=\"1970-01-01T00:00:00.000000000Z\" level=warning msg=\"a \\\"b\\\"\"\n");
}

}  // namespace
}  // namespace tiny::oci
