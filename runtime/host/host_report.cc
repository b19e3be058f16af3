#include "runtime/host/host_report.h"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "runtime/host/host_checks.h"

namespace tiny::runtime {
namespace {

std::string OperatingSystem(const HostPaths& paths) {
  const std::string text = ReadFile(paths.os_release).value_or("");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "PRETTY_NAME=")) continue;
    absl::ConsumePrefix(&line, "\"");
    absl::ConsumeSuffix(&line, "\"");
    return std::string(line);
  }
  return "Linux";
}

uint64_t MemoryBytes(const HostPaths& paths) {
  const std::string text = ReadFile(paths.proc + "/meminfo").value_or("");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "MemTotal:")) continue;
    line = absl::StripAsciiWhitespace(line);
    uint64_t kilobytes = 0;
    if (absl::SimpleAtoi(line.substr(0, line.find(' ')), &kilobytes)) return kilobytes << 10;
  }
  return 0;
}

int CpuCount() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0) return CPU_COUNT(&cpus);
  return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
}

}  // namespace

HostReport InspectHost(const HostPaths& paths) {
  HostReport report;
  utsname kernel = {};
  uname(&kernel);
  report.kernel = kernel.release;
  report.machine = kernel.machine;
  report.hostname = kernel.nodename;
  report.operating_system = OperatingSystem(paths);
  report.cpus = CpuCount();
  report.memory_bytes = MemoryBytes(paths);
  KernelFeatures features(paths, report.kernel);
  CheckKernel(&report);
  CheckPrivileges(paths, &report);
  CheckCgroups(paths, &report);
  CheckFileSystems(paths, features, &report);
  CheckNamespaces(paths, &report);
  CheckNetwork(paths, features, &report);
  CheckSecurity(paths, &report);
  return report;
}

}  // namespace tiny::runtime
