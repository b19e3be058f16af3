// Whether the running kernel has a feature, found without asking it in a way that loads modules.
#ifndef TINY_RUNTIME_HOST_KERNEL_FEATURES_H_
#define TINY_RUNTIME_HOST_KERNEL_FEATURES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "runtime/host/host_report.h"

namespace tiny::runtime {

enum class Presence {
  kPresent,   // built in, or a module that is loaded
  kLoadable,  // a module that the kernel will load when it is needed
  kAbsent,
};

// A module by its name ("nf_tables"), and a function that the feature's code has
// ("nf_tables_newtable"): looks at /sys/module, modules.builtin and modules.dep of the running
// kernel, and, for kernels that come without those lists, at /proc/kallsyms. Thread-compatible;
// reads each file once.
class KernelFeatures {
 public:
  KernelFeatures(const HostPaths& paths, absl::string_view release);

  Presence Find(absl::string_view module, absl::string_view symbol);

 private:
  bool HasSymbol(absl::string_view symbol);

  HostPaths paths_;
  std::string builtin_;   // modules.builtin
  std::string loadable_;  // modules.dep
  std::string symbols_;
  bool symbols_read_ = false;
};

// True where a list of files names the module: "kernel/net/netfilter/nf_tables.ko.xz". Dashes and
// underscores are the same. Pure.
bool ListsModule(absl::string_view list, absl::string_view module);

// "6.18.5-arch1" -> {6, 18}; {0, 0} for what is no version. Pure.
struct KernelVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
};
KernelVersion ParseKernelVersion(absl::string_view release);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_HOST_KERNEL_FEATURES_H_
