// Sees what tiny has left on the machine that the test program has for itself (main.cc): processes,
// mounts, network links, nft elements, cgroups of every mounted hierarchy, records, volumes,
// leases, sockets, temporary files, System V objects.
//
//   const LeakOracle oracle({.root = ..., .run_root = ..., .cgroup_parent = "/tiny-e2e-1"});
//   ... run containers ...
//   for (const std::string& leak : oracle.Leaks()) ADD_FAILURE() << leak;
//
// It asks the kernel and the disk by itself, not through tiny's modules. What stays on purpose is
// no leak: the default bridge with its nft elements, the record of its network, lock files, the
// event log, empty folders. Thread-compatible.
#ifndef TINY_E2E_LEAK_ORACLE_H_
#define TINY_E2E_LEAK_ORACLE_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tiny::e2e {

class LeakOracle {
 public:
  struct Places {
    std::string root;           // --root
    std::string run_root;       // --run-root
    std::string cgroup_parent;  // an absolute path in each hierarchy; all below it is a leak
  };

  // Remembers what is there now.
  explicit LeakOracle(Places places);

  // What has come since: one line each, "process 12 tiny-supervisor", "cgroup /sys/fs/cgroup/...".
  std::vector<std::string> Leaks() const;

  // Kills the processes and removes the cgroups that Leaks would name, and the cgroup parent.
  void CleanUp() const;

 private:
  std::vector<std::string> Observe() const;

  Places places_;
  std::vector<std::string> before_;
};

// The open files of a process that lives on purpose, as /proc/PID/fd names them, sorted; those that
// are numbered are named by their kind alone ("socket:"). For comparing before and after.
std::vector<std::string> OpenFilesOf(pid_t pid);

}  // namespace tiny::e2e

#endif  // TINY_E2E_LEAK_ORACLE_H_
