// What this machine offers to containers, and what the lack of something costs.
//
//   const HostReport report = InspectHost(HostPaths());
//   for (const HostCheck& check : report.checks) ...
//
// Everything is read from /proc, /sys and the modules' lists: no module is loaded, no namespace or
// link is made, nothing on the machine changes. Thread-safe.
#ifndef TINY_RUNTIME_HOST_HOST_REPORT_H_
#define TINY_RUNTIME_HOST_HOST_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

namespace tiny::runtime {

// Where to look; tests look elsewhere.
struct HostPaths {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string modules = "/lib/modules";
  std::string os_release = "/etc/os-release";
};

struct HostCheck {
  enum class Level {
    kOk,
    kNote,    // something optional is missing
    kBroken,  // most containers do not work without it
  };
  std::string name;  // stable word: "overlay", "nf-tables", ...
  Level level = Level::kOk;
  std::string fact;         // "the kernel has no overlay file system"
  std::string consequence;  // what does not work; empty when ok
  std::string fix;          // a command or a kernel option; empty when ok
};

struct HostReport {
  std::string kernel;            // "6.18.5"
  std::string machine;           // "x86_64"
  std::string operating_system;  // PRETTY_NAME of os-release(5)
  std::string hostname;
  std::string cgroup_mode;  // "v2", "hybrid", "v1", "none"
  std::vector<std::string> cgroup_controllers;
  std::vector<std::string> security;  // "seccomp", "apparmor", ...
  int cpus = 0;
  uint64_t memory_bytes = 0;
  std::vector<HostCheck> checks;
};

HostReport InspectHost(const HostPaths& paths);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_HOST_HOST_REPORT_H_
