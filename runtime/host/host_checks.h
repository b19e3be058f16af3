// The checks of a host report, by topic: each adds what it found.
#ifndef TINY_RUNTIME_HOST_HOST_CHECKS_H_
#define TINY_RUNTIME_HOST_HOST_CHECKS_H_

#include "absl/strings/string_view.h"
#include "runtime/host/host_report.h"
#include "runtime/host/kernel_features.h"

namespace tiny::runtime {

void CheckKernel(HostReport* report);
void CheckPrivileges(const HostPaths& paths, HostReport* report);
void CheckCgroups(const HostPaths& paths, HostReport* report);
void CheckFileSystems(const HostPaths& paths, KernelFeatures& features, HostReport* report);
void CheckNamespaces(const HostPaths& paths, HostReport* report);
void CheckNetwork(const HostPaths& paths, KernelFeatures& features, HostReport* report);
void CheckSecurity(const HostPaths& paths, HostReport* report);

// For the checks themselves: the one line of a file of procfs or sysfs, "" where there is none.
std::string ReadLine(const std::string& path);
void AddOk(HostReport* report, absl::string_view name, absl::string_view fact);
void AddNote(HostReport* report, absl::string_view name, absl::string_view fact,
             absl::string_view consequence, absl::string_view fix);
void AddBroken(HostReport* report, absl::string_view name, absl::string_view fact,
               absl::string_view consequence, absl::string_view fix);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_HOST_HOST_CHECKS_H_
