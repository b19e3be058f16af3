#include "oci/cli/stats_json.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/files.h"

namespace tiny::oci {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

// The files of a cgroup in one tree. Those that are not there are empty, and their numbers 0.
class Files {
 public:
  Files(absl::string_view mount_point, absl::string_view path)
      : folder_(absl::StrCat(mount_point, path, "/")) {}

  bool Has(absl::string_view name) const {
    return access(absl::StrCat(folder_, name).c_str(), F_OK) == 0;
  }
  std::string Text(absl::string_view name) const {
    std::string text = ReadFile(absl::StrCat(folder_, name)).value_or("");
    absl::StripTrailingAsciiWhitespace(&text);
    return text;
  }
  uint64_t Number(absl::string_view name) const {
    const std::string text = Text(name);
    uint64_t value = 0;
    if (text == "max") return kNoLimit;
    return absl::SimpleAtoi(text, &value) ? value : 0;
  }

 private:
  std::string folder_;
};

// Those of a line up to the first word that is none.
std::vector<uint64_t> Numbers(absl::string_view line) {
  std::vector<uint64_t> numbers;
  for (const absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
    uint64_t number = 0;
    if (!absl::SimpleAtoi(word, &number)) break;
    numbers.push_back(number);
  }
  return numbers;
}

// "0-2,4" as 0, 1, 2, 4.
std::vector<uint32_t> ExpandList(absl::string_view list) {
  std::vector<uint32_t> numbers;
  for (const absl::string_view range : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(range, absl::MaxSplits('-', 1));
    uint32_t first = 0;
    uint32_t last = 0;
    if (!absl::SimpleAtoi(ends.first, &first)) continue;
    if (!absl::SimpleAtoi(ends.second, &last)) last = first;
    for (uint32_t number = first; number <= last; ++number) numbers.push_back(number);
  }
  return numbers;
}

// Of a process in the version 1 tree of a controller; empty where it can't be told.
std::string CgroupOf(pid_t pid, absl::string_view controller) {
  const std::string text = ReadFile(absl::StrCat("/proc/", pid, "/cgroup")).value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    for (const absl::string_view name : absl::StrSplit(fields[1], ',')) {
      if (name == controller) return std::string(fields[2]);
    }
  }
  return "";
}

Json CpuJson(const Files& cpuacct, const cgroup::Stats& stats) {
  const auto nanos = [](absl::Duration duration) { return absl::ToInt64Nanoseconds(duration); };
  Json usage = {{"total", nanos(stats.cpu_usage)}};
  if (cpuacct.Has("cpuacct.usage_all")) {
    usage["percpu"] = Numbers(cpuacct.Text("cpuacct.usage_percpu"));
    Json kernel = Json::array();
    Json user = Json::array();
    // After its head a line for each: "cpu user system".
    const std::string text = cpuacct.Text("cpuacct.usage_all");
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      const std::vector<uint64_t> fields = Numbers(line);
      if (fields.size() != 3) continue;
      user.push_back(fields[1]);
      kernel.push_back(fields[2]);
    }
    usage["percpu_kernel"] = std::move(kernel);
    usage["percpu_user"] = std::move(user);
  }
  usage["kernel"] = nanos(stats.cpu_system);
  usage["user"] = nanos(stats.cpu_user);
  return {{"usage", std::move(usage)},
          {"throttling",
           {{"periods", stats.cpu_periods},
            {"throttledPeriods", stats.cpu_throttled_periods},
            {"throttledTime", nanos(stats.cpu_throttled)}}}};
}

// Version 2 has the lists alone.
Json CpusetJson(const Files& v1, const Files& v2) {
  Json json = Json::object();
  for (const std::string name : {"cpus", "mems"}) {
    std::string list = v1.Text("cpuset." + name);
    if (list.empty()) list = v2.Text("cpuset." + name + ".effective");
    if (!list.empty()) json[name] = ExpandList(list);
  }
  for (const char* name : {"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate",
                           "memory_spread_page", "memory_spread_slab", "memory_pressure",
                           "sched_load_balance", "sched_relax_domain_level"}) {
    int64_t value = 0;
    json[name] = absl::SimpleAtoi(v1.Text(absl::StrCat("cpuset.", name)), &value) ? value : 0;
  }
  return json;
}

Json MemoryEntry(uint64_t limit, uint64_t usage, uint64_t max, uint64_t failcnt) {
  return {{"limit", limit}, {"usage", usage}, {"max", max}, {"failcnt", failcnt}};
}

Json LegacyMemoryEntry(const Files& files, const std::string& name) {
  return MemoryEntry(files.Number(name + ".limit_in_bytes"), files.Number(name + ".usage_in_bytes"),
                     files.Number(name + ".max_usage_in_bytes"), files.Number(name + ".failcnt"));
}

Json KeyedNumbers(const std::string& text) {
  Json json = Json::object();
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    uint64_t value = 0;
    if (absl::SimpleAtoi(pair.second, &value)) json[std::string(pair.first)] = value;
  }
  return json;
}

Json MemoryJson(const Files& v1, const Files& v2, const cgroup::Stats& stats) {
  if (v1.Has("memory.stat")) {
    Json raw = KeyedNumbers(v1.Text("memory.stat"));
    return {{"cache", raw.value("cache", uint64_t{0})},
            {"usage", LegacyMemoryEntry(v1, "memory")},
            {"swap", LegacyMemoryEntry(v1, "memory.memsw")},
            {"kernel", LegacyMemoryEntry(v1, "memory.kmem")},
            {"kernelTCP", LegacyMemoryEntry(v1, "memory.kmem.tcp")},
            {"raw", std::move(raw)}};
  }
  if (!v2.Has("memory.stat")) {
    return {{"usage", {{"usage", stats.memory_usage}}}, {"raw", Json::object()}};
  }
  Json raw = KeyedNumbers(v2.Text("memory.stat"));
  const uint64_t limit = v2.Number("memory.max");
  const uint64_t usage = v2.Number("memory.current");
  const uint64_t failures = cgroup::FlatKeyedValue(v2.Text("memory.events"), "max").value_or(0);
  // As in version 1 swap is of memory and swap together.
  const uint64_t swap_limit = v2.Number("memory.swap.max");
  const bool limited = limit != kNoLimit && swap_limit != kNoLimit;
  return {{"cache", raw.value("file", uint64_t{0})},
          {"usage", MemoryEntry(limit, usage, v2.Number("memory.peak"), failures)},
          {"swap", MemoryEntry(limited ? limit + swap_limit : kNoLimit,
                               usage + v2.Number("memory.swap.current"), 0, 0)},
          {"raw", std::move(raw)}};
}

Json PidsJson(const cgroup::Stats& stats) {
  Json json = {{"current", stats.pids}};
  if (stats.pids_limit) json["limit"] = *stats.pids_limit;
  return json;
}

Json BlkioEntry(absl::string_view device, absl::string_view operation, absl::string_view value) {
  const std::vector<uint64_t> numbers = Numbers(absl::StrReplaceAll(device, {{":", " "}}));
  uint64_t bytes = 0;
  if (numbers.size() != 2 || !absl::SimpleAtoi(value, &bytes)) return nullptr;
  return {{"major", numbers[0]},
          {"minor", numbers[1]},
          {"op", std::string(operation)},
          {"value", bytes}};
}

// "MAJ:MIN Operation value" lines, and a last one of the sum.
Json LegacyBlkio(const std::string& text) {
  Json json = Json::array();
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words.size() != 3) continue;
    if (Json entry = BlkioEntry(words[0], words[1], words[2]); !entry.is_null()) {
      json.push_back(std::move(entry));
    }
  }
  return json;
}

// "MAJ:MIN rbytes=value wbytes=value ..." lines.
Json UnifiedBlkio(const std::string& text, absl::string_view read, absl::string_view write) {
  Json json = Json::array();
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    for (size_t i = 1; i < words.size(); ++i) {
      const std::pair<absl::string_view, absl::string_view> pair =
          absl::StrSplit(words[i], absl::MaxSplits('=', 1));
      if (pair.first != read && pair.first != write) continue;
      Json entry = BlkioEntry(words[0], pair.first == read ? "Read" : "Write", pair.second);
      if (!entry.is_null()) json.push_back(std::move(entry));
    }
  }
  return json;
}

Json BlkioJson(const Files& v1, const Files& v2, const cgroup::Stats& stats) {
  Json bytes;
  Json operations;
  if (v1.Has("blkio.throttle.io_service_bytes_recursive")) {
    bytes = LegacyBlkio(v1.Text("blkio.throttle.io_service_bytes_recursive"));
    operations = LegacyBlkio(v1.Text("blkio.throttle.io_serviced_recursive"));
  } else if (v2.Has("io.stat")) {
    const std::string text = v2.Text("io.stat");
    bytes = UnifiedBlkio(text, "rbytes", "wbytes");
    operations = UnifiedBlkio(text, "rios", "wios");
  } else {
    bytes = {BlkioEntry("0:0", "Read", absl::StrCat(stats.io_read_bytes)),
             BlkioEntry("0:0", "Write", absl::StrCat(stats.io_write_bytes))};
  }
  Json json = Json::object();
  if (!bytes.empty()) json["ioServiceBytesRecursive"] = std::move(bytes);
  if (!operations.empty()) json["ioServicedRecursive"] = std::move(operations);
  return json;
}

}  // namespace

nlohmann::ordered_json StatsJson(const cgroup::Hierarchy& hierarchy, const std::string& cgroup_path,
                                 const cgroup::Stats& stats, pid_t init) {
  const auto v1_at = [&](absl::string_view controller, const std::string& path) {
    const cgroup::LegacyTree* tree = hierarchy.FindLegacy(controller);
    return Files(tree != nullptr ? tree->mount_point : "/dev/null", path);
  };
  const auto v1 = [&](absl::string_view controller) { return v1_at(controller, cgroup_path); };
  // Without one of its own the container has that of its creator.
  Files cpuset = v1("cpuset");
  if (!cpuset.Has("cpuset.cpus")) cpuset = v1_at("cpuset", CgroupOf(init, "cpuset"));
  const Files v2(hierarchy.unified().empty() ? "/dev/null" : hierarchy.unified(), cgroup_path);
  return {
      {"cpu", CpuJson(v1("cpuacct"), stats)},
      {"cpuset", CpusetJson(cpuset, v2)},
      {"memory", MemoryJson(v1("memory"), v2, stats)},
      {"pids", PidsJson(stats)},
      {"blkio", BlkioJson(v1("blkio"), v2, stats)},
      {"hugetlb", Json::object()},
      {"intel_rdt", Json::object()},
      {"network_interfaces", nullptr},  // of those that runc itself would have made
  };
}

}  // namespace tiny::oci
