#include "cgroup/resources.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::tiny::testing::StatusIs;

Version AlwaysV1(absl::string_view) { return Version::kV1; }
Version AlwaysV2(absl::string_view) { return Version::kV2; }

// "controller/file=value", with "?" for one that may be missing and "|file=value" for a fallback.
std::vector<std::string> Render(const Resources& resources, VersionOf version_of) {
  const auto writes = RenderControlWrites(resources, version_of);
  EXPECT_OK(writes);
  std::vector<std::string> result;
  if (!writes.ok()) return result;
  for (const ControlWrite& write : *writes) {
    std::string text = absl::StrCat(write.controller, "/", write.file, "=", write.value);
    if (write.optional) text += "?";
    if (!write.fallback_file.empty()) {
      absl::StrAppend(&text, "|", write.fallback_file, "=", write.fallback_value);
    }
    result.push_back(text);
  }
  return result;
}

TEST(RenderControlWritesTest, NothingAskedNothingWritten) {
  EXPECT_THAT(Render({}, AlwaysV1), IsEmpty());
  EXPECT_THAT(Render({}, AlwaysV2), IsEmpty());
}

TEST(RenderControlWritesTest, Memory) {
  Resources r;
  r.memory_limit = 128 << 20;
  r.memory_swap = 192 << 20;
  r.memory_reservation = 64 << 20;
  EXPECT_THAT(Render(r, AlwaysV1), ElementsAre("memory/memory.limit_in_bytes=134217728",
                                               "memory/memory.memsw.limit_in_bytes=201326592?",
                                               "memory/memory.soft_limit_in_bytes=67108864"));
  EXPECT_THAT(Render(r, AlwaysV2),
              ElementsAre("memory/memory.max=134217728", "memory/memory.swap.max=67108864?",
                          "memory/memory.low=67108864"));
  r.memory_limit = r.memory_swap = r.memory_reservation = -1;
  EXPECT_THAT(Render(r, AlwaysV1), ElementsAre("memory/memory.limit_in_bytes=-1",
                                               "memory/memory.memsw.limit_in_bytes=-1?",
                                               "memory/memory.soft_limit_in_bytes=-1"));
  EXPECT_THAT(
      Render(r, AlwaysV2),
      ElementsAre("memory/memory.max=max", "memory/memory.swap.max=max?", "memory/memory.low=0"));
}

TEST(RenderControlWritesTest, WithoutALimitOfMemoryThereIsNoneWithSwap) {
  Resources r;
  r.memory_limit = -1;
  EXPECT_THAT(Render(r, AlwaysV1), ElementsAre("memory/memory.limit_in_bytes=-1",
                                               "memory/memory.memsw.limit_in_bytes=-1?"));
  EXPECT_THAT(Render(r, AlwaysV2),
              ElementsAre("memory/memory.max=max", "memory/memory.swap.max=max?"));
}

TEST(RenderControlWritesTest, NoSwapAtAll) {
  Resources r;
  r.memory_limit = r.memory_swap = 1 << 20;
  EXPECT_THAT(Render(r, AlwaysV2),
              ElementsAre("memory/memory.max=1048576", "memory/memory.swap.max=0?"));
}

TEST(RenderControlWritesTest, WhatVersion2LacksIsRefusedThere) {
  Resources swappy;
  swappy.memory_swappiness = 10;
  EXPECT_THAT(Render(swappy, AlwaysV1), ElementsAre("memory/memory.swappiness=10"));
  EXPECT_THAT(RenderControlWrites(swappy, AlwaysV2),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("swappiness")));
  Resources immortal;
  immortal.disable_oom_killer = true;
  EXPECT_THAT(Render(immortal, AlwaysV1), ElementsAre("memory/memory.oom_control=1"));
  EXPECT_THAT(RenderControlWrites(immortal, AlwaysV2),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("OOM")));
  Resources realtime;
  realtime.realtime_runtime = 950000;
  EXPECT_THAT(Render(realtime, AlwaysV1), ElementsAre("cpu/cpu.rt_runtime_us=950000"));
  EXPECT_THAT(RenderControlWrites(realtime, AlwaysV2), StatusIs(absl::StatusCode::kUnimplemented));
  Resources net;
  net.net_class_id = 0x100001;
  net.net_priorities = {{"eth0", 5}};
  EXPECT_THAT(Render(net, AlwaysV1),
              ElementsAre("net_cls/net_cls.classid=1048577", "net_prio/net_prio.ifpriomap=eth0 5"));
  EXPECT_THAT(RenderControlWrites(net, AlwaysV2), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(RenderControlWritesTest, Cpu) {
  Resources r;
  r.cpu_shares = 1024;
  r.cpu_quota = 150000;
  r.cpu_period = 50000;
  r.cpu_burst = 1000;
  r.cpuset_cpus = "0-1";
  r.cpuset_mems = "0";
  EXPECT_THAT(Render(r, AlwaysV1),
              ElementsAre("cpu/cpu.shares=1024", "cpu/cpu.cfs_period_us=50000",
                          "cpu/cpu.cfs_quota_us=150000", "cpu/cpu.cfs_burst_us=1000",
                          "cpuset/cpuset.cpus=0-1", "cpuset/cpuset.mems=0"));
  EXPECT_THAT(Render(r, AlwaysV2), ElementsAre("cpu/cpu.weight=100", "cpu/cpu.max=150000 50000",
                                               "cpu/cpu.max.burst=1000", "cpuset/cpuset.cpus=0-1",
                                               "cpuset/cpuset.mems=0"));
}

TEST(RenderControlWritesTest, CpuQuotaAlone) {
  Resources r;
  r.cpu_quota = 50000;
  EXPECT_THAT(Render(r, AlwaysV2), ElementsAre("cpu/cpu.max=50000 100000"));
  r.cpu_quota = -1;
  EXPECT_THAT(Render(r, AlwaysV2), ElementsAre("cpu/cpu.max=max 100000"));
  EXPECT_THAT(Render(r, AlwaysV1), ElementsAre("cpu/cpu.cfs_quota_us=-1"));
}

TEST(RenderControlWritesTest, AnIdleCgroupHasNoWeight) {
  Resources r;
  r.cpu_idle = 1;
  r.cpu_shares = 512;
  EXPECT_THAT(Render(r, AlwaysV2), ElementsAre("cpu/cpu.idle=1"));
}

TEST(RenderControlWritesTest, Pids) {
  Resources r;
  r.pids_limit = 64;
  EXPECT_THAT(Render(r, AlwaysV1), ElementsAre("pids/pids.max=64"));
  for (const int64_t none : {-1, 0}) {
    r.pids_limit = none;
    EXPECT_THAT(Render(r, AlwaysV2), ElementsAre("pids/pids.max=max"));
  }
}

TEST(RenderControlWritesTest, BlockIo) {
  Resources r;
  r.io_weight = 500;
  r.io_device_weights = {{8, 0, 1000}};
  r.io_read_bps = {{8, 0, 1048576}};
  r.io_write_bps = {{8, 16, 0}};
  r.io_read_iops = {{8, 0, 100}};
  r.io_write_iops = {{8, 0, 200}};
  EXPECT_THAT(Render(r, AlwaysV1),
              ElementsAre("blkio/blkio.weight=500|blkio.bfq.weight=500",
                          "blkio/blkio.weight_device=8:0 1000|blkio.bfq.weight_device=8:0 1000",
                          "blkio/blkio.throttle.read_bps_device=8:0 1048576",
                          "blkio/blkio.throttle.write_bps_device=8:16 0",
                          "blkio/blkio.throttle.read_iops_device=8:0 100",
                          "blkio/blkio.throttle.write_iops_device=8:0 200"));
  EXPECT_THAT(
      Render(r, AlwaysV2),
      ElementsAre("io/io.weight=default 4950|io.bfq.weight=500",
                  "io/io.weight=8:0 10000|io.bfq.weight=8:0 1000", "io/io.max=8:0 rbps=1048576",
                  "io/io.max=8:16 wbps=max", "io/io.max=8:0 riops=100", "io/io.max=8:0 wiops=200"));
}

TEST(RenderControlWritesTest, HugePagesAndRdma) {
  Resources r;
  r.hugepage_limits = {{"2MB", 4194304}};
  r.rdma = {{"mlx5_1", {.hca_handles = 3, .hca_objects = 10000}}};
  EXPECT_THAT(Render(r, AlwaysV1),
              ElementsAre("hugetlb/hugetlb.2MB.limit_in_bytes=4194304",
                          "hugetlb/hugetlb.2MB.rsvd.limit_in_bytes=4194304?",
                          "rdma/rdma.max=mlx5_1 hca_handle=3 hca_object=10000"));
  EXPECT_THAT(
      Render(r, AlwaysV2),
      ElementsAre("hugetlb/hugetlb.2MB.max=4194304", "hugetlb/hugetlb.2MB.rsvd.max=4194304?",
                  "rdma/rdma.max=mlx5_1 hca_handle=3 hca_object=10000"));
  r.hugepage_limits = {{"../x", 1}};
  EXPECT_THAT(RenderControlWrites(r, AlwaysV1), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(RenderControlWritesTest, LegacyDevices) {
  Resources r;
  r.devices = {{true, 'b', 8, 0, "r"},  // ended by the next
               {false, 'a', {}, {}, ""},
               {true, 'c', {}, {}, "m"},
               {true, 'c', 1, 3, "rwm"},
               {true, 'a', 7, {}, "r"}};
  EXPECT_THAT(Render(r, AlwaysV1),
              ElementsAre("devices/devices.deny=a", "devices/devices.allow=c *:* m",
                          "devices/devices.allow=c 1:3 rwm", "devices/devices.allow=b 7:* r",
                          "devices/devices.allow=c 7:* r"));
  EXPECT_THAT(Render(r, AlwaysV2), IsEmpty());
  r.devices = {{true, 'b', 8, 0, "r"}};
  EXPECT_THAT(Render(r, AlwaysV1),
              ElementsAre("devices/devices.deny=a", "devices/devices.allow=b 8:0 r"));
  r.devices = {{false, 'b', 8, 0, "r"}, {true, 'a', {}, {}, "rwm"}, {false, 'c', 1, 1, "w"}};
  EXPECT_THAT(Render(r, AlwaysV1),
              ElementsAre("devices/devices.allow=a", "devices/devices.deny=c 1:1 w"));
}

TEST(RenderControlWritesTest, FilesOfVersion2ByName) {
  Resources r;
  r.unified = {{"memory.high", "1000000"}, {"cgroup.max.depth", "3"}};
  EXPECT_THAT(Render(r, AlwaysV2),
              ElementsAre("cgroup/cgroup.max.depth=3", "memory/memory.high=1000000"));
  for (const char* file : {"memory", ".max", "memory.max/../../x", "/memory.max", ""}) {
    r.unified = {{file, "1"}};
    EXPECT_THAT(RenderControlWrites(r, AlwaysV2), StatusIs(absl::StatusCode::kInvalidArgument))
        << file;
  }
}

TEST(RenderControlWritesTest, EachControllerOnItsOwnVersion) {
  Resources r;
  r.memory_limit = 1 << 20;
  r.pids_limit = 5;
  const auto writes = RenderControlWrites(r, [](absl::string_view controller) {
    return controller == "memory" ? Version::kV1 : Version::kV2;
  });
  ASSERT_OK(writes);
  ASSERT_EQ(writes->size(), 2U);
  EXPECT_EQ((*writes)[0].file, "memory.limit_in_bytes");
  EXPECT_EQ((*writes)[0].version, Version::kV1);
  EXPECT_EQ((*writes)[1].version, Version::kV2);
}

TEST(RenderControlWritesTest, ValuesOutOfRange) {
  const auto refused = [](void (*set)(Resources&)) {
    Resources r;
    set(r);
    return !RenderControlWrites(r, AlwaysV1).ok() && !RenderControlWrites(r, AlwaysV2).ok();
  };
  EXPECT_TRUE(refused([](Resources& r) { r.memory_limit = -2; }));
  EXPECT_TRUE(refused([](Resources& r) { r.memory_swap = 1 << 20; }));
  EXPECT_TRUE(refused([](Resources& r) {
    r.memory_limit = 2 << 20;
    r.memory_swap = 1 << 20;
  }));
  EXPECT_TRUE(refused([](Resources& r) { r.memory_reservation = -7; }));
  EXPECT_TRUE(refused([](Resources& r) { r.memory_swappiness = 101; }));
  EXPECT_TRUE(refused([](Resources& r) { r.cpu_quota = 999; }));
  EXPECT_TRUE(refused([](Resources& r) { r.cpu_period = 999; }));
  EXPECT_TRUE(refused([](Resources& r) { r.cpu_period = 1000001; }));
  EXPECT_TRUE(refused([](Resources& r) { r.cpu_idle = 2; }));
  EXPECT_TRUE(refused([](Resources& r) { r.io_weight = 9; }));
  EXPECT_TRUE(refused([](Resources& r) { r.io_device_weights = {{8, 0, 1001}}; }));
}

TEST(CpuWeightFromSharesTest, FixedPoints) {
  EXPECT_EQ(CpuWeightFromShares(0), 1U);
  EXPECT_EQ(CpuWeightFromShares(2), 1U);
  EXPECT_EQ(CpuWeightFromShares(1024), 100U);
  EXPECT_EQ(CpuWeightFromShares(262144), 10000U);
  EXPECT_EQ(CpuWeightFromShares(1 << 30), 10000U);
  uint64_t last = 0;
  for (uint64_t shares = 2; shares <= 262144; shares *= 2) {
    EXPECT_GE(CpuWeightFromShares(shares), last);
    last = CpuWeightFromShares(shares);
  }
}

}  // namespace
}  // namespace tiny::cgroup
