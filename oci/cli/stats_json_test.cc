#include "oci/cli/stats_json.h"

#include <unistd.h>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::oci {
namespace {

using Json = nlohmann::ordered_json;

class StatsJsonTest : public ::testing::Test {
 protected:
  Json Stats(absl::string_view mounts) {
    const absl::StatusOr<cgroup::Hierarchy> hierarchy =
        cgroup::Hierarchy::FromMountInfo(mounts, dir_.path());
    EXPECT_OK(hierarchy);
    cgroup::Stats stats;
    stats.cpu_usage = absl::Nanoseconds(3);
    stats.cpu_system = absl::Nanoseconds(2);
    stats.cpu_user = absl::Nanoseconds(1);
    stats.pids = 4;
    stats.pids_limit = 9;
    stats.memory_usage = 77;
    stats.io_read_bytes = 5;
    return StatsJson(*hierarchy, "/c", stats, getpid());
  }

  tiny::testing::TempDir dir_;
};

TEST_F(StatsJsonTest, OfVersion1AsRuncHasThem) {
  dir_.Write("cpuacct/c/cpuacct.usage_percpu", "10 20 \n");
  dir_.Write("cpuacct/c/cpuacct.usage_all", "cpu user system\n0 1 2\n1 3 4\n");
  dir_.Write("cpuset/c/cpuset.cpus", "0-2,5\n");
  dir_.Write("cpuset/c/cpuset.mems", "0\n");
  dir_.Write("cpuset/c/cpuset.sched_load_balance", "1\n");
  dir_.Write("cpuset/c/cpuset.sched_relax_domain_level", "-1\n");
  dir_.Write("memory/c/memory.stat", "cache 8192\nrss 4096\ntotal_inactive_file 100\n");
  dir_.Write("memory/c/memory.limit_in_bytes", "9223372036854771712\n");
  dir_.Write("memory/c/memory.usage_in_bytes", "12288\n");
  dir_.Write("memory/c/memory.max_usage_in_bytes", "16384\n");
  dir_.Write("memory/c/memory.failcnt", "3\n");
  dir_.Write("memory/c/memory.kmem.usage_in_bytes", "2048\n");
  dir_.Write("blkio/c/blkio.throttle.io_service_bytes_recursive",
             "8:16 Read 6\n8:16 Write 7\nTotal 13\n");
  dir_.Write("blkio/c/blkio.throttle.io_serviced_recursive", "Total 0\n");
  const Json expected = Json::parse(R"({
    "cpu": {"usage": {"total": 3, "percpu": [10, 20], "percpu_kernel": [2, 4],
                      "percpu_user": [1, 3], "kernel": 2, "user": 1},
            "throttling": {"periods": 0, "throttledPeriods": 0, "throttledTime": 0}},
    "cpuset": {"cpus": [0, 1, 2, 5], "mems": [0], "cpu_exclusive": 0, "mem_hardwall": 0,
               "mem_exclusive": 0, "memory_migrate": 0, "memory_spread_page": 0,
               "memory_spread_slab": 0, "memory_pressure": 0, "sched_load_balance": 1,
               "sched_relax_domain_level": -1},
    "memory": {"cache": 8192,
               "usage": {"limit": 9223372036854771712, "usage": 12288, "max": 16384, "failcnt": 3},
               "swap": {"limit": 0, "usage": 0, "max": 0, "failcnt": 0},
               "kernel": {"limit": 0, "usage": 2048, "max": 0, "failcnt": 0},
               "kernelTCP": {"limit": 0, "usage": 0, "max": 0, "failcnt": 0},
               "raw": {"cache": 8192, "rss": 4096, "total_inactive_file": 100}},
    "pids": {"current": 4, "limit": 9},
    "blkio": {"ioServiceBytesRecursive": [
        {"major": 8, "minor": 16, "op": "Read", "value": 6},
        {"major": 8, "minor": 16, "op": "Write", "value": 7}]},
    "hugetlb": {}, "intel_rdt": {}, "network_interfaces": null})");
  EXPECT_EQ(Stats("1 1 0:1 / /cpuacct rw - cgroup cgroup rw,cpuacct\n"
                  "2 1 0:2 / /cpuset rw - cgroup cgroup rw,cpuset\n"
                  "3 1 0:3 / /memory rw - cgroup cgroup rw,memory\n"
                  "4 1 0:4 / /blkio rw - cgroup cgroup rw,blkio\n")
                .dump(1),
            expected.dump(1));
}

TEST_F(StatsJsonTest, OfVersion2) {
  dir_.Write("u/cgroup.controllers", "cpu memory\n");
  dir_.Write("u/c/cpuset.cpus.effective", "1\n");
  dir_.Write("u/c/cpuset.mems.effective", "0\n");
  dir_.Write("u/c/memory.stat", "anon 4096\nfile 8192\n");
  dir_.Write("u/c/memory.max", "max\n");
  dir_.Write("u/c/memory.current", "12288\n");
  dir_.Write("u/c/memory.peak", "16384\n");
  dir_.Write("u/c/memory.events", "low 0\nhigh 0\nmax 6\noom 0\n");
  dir_.Write("u/c/memory.swap.max", "4096\n");
  dir_.Write("u/c/memory.swap.current", "12\n");
  dir_.Write("u/c/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n");
  Json json = Stats("1 1 0:1 / /u rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(json["cpuset"]["cpus"], Json({1}));
  EXPECT_EQ(json["memory"], Json::parse(R"({
      "cache": 8192,
      "usage": {"limit": 18446744073709551615, "usage": 12288, "max": 16384, "failcnt": 6},
      "swap": {"limit": 18446744073709551615, "usage": 12300, "max": 0, "failcnt": 0},
      "raw": {"anon": 4096, "file": 8192}})"));
  EXPECT_EQ(json["blkio"], Json::parse(R"({
      "ioServiceBytesRecursive": [{"major": 8, "minor": 0, "op": "Read", "value": 1},
                                  {"major": 8, "minor": 0, "op": "Write", "value": 2}],
      "ioServicedRecursive": [{"major": 8, "minor": 0, "op": "Read", "value": 3},
                              {"major": 8, "minor": 0, "op": "Write", "value": 4}]})"));
  dir_.Write("u/c/memory.max", "20480\n");
  EXPECT_EQ(Stats("1 1 0:1 / /u rw - cgroup2 cgroup2 rw\n")["memory"]["swap"]["limit"], 24576);
}

TEST_F(StatsJsonTest, WhatNoControllerCountsIsAsTheCgroupHasIt) {
  dir_.Write("u/cgroup.controllers", "");
  Json json = Stats("1 1 0:1 / /u rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(json["memory"], Json::parse(R"({"usage": {"usage": 77}, "raw": {}})"));
  EXPECT_EQ(json["blkio"]["ioServiceBytesRecursive"][0]["value"], 5);
  EXPECT_FALSE(json["cpu"]["usage"].contains("percpu"));
}

}  // namespace
}  // namespace tiny::oci
