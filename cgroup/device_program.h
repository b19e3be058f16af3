// Device rules as a BPF program of type BPF_PROG_TYPE_CGROUP_DEVICE, which is how version 2 of
// cgroups has them. It needs no controller, so it works in a hybrid machine's unified tree too.
#ifndef TINY_CGROUP_DEVICE_PROGRAM_H_
#define TINY_CGROUP_DEVICE_PROGRAM_H_

#include <linux/bpf.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/unique_fd.h"
#include "cgroup/resources.h"

namespace tiny::cgroup {

// The program for `rules` (resources.h says what they mean). Pure. kInvalidArgument for a rule with
// an unknown type or access.
absl::StatusOr<std::vector<bpf_insn>> CompileDeviceProgram(absl::Span<const DeviceRule> rules);

// Loads the program, which is returned, and attaches it to the cgroup's directory, with which it
// goes. A device must pass the programs of every cgroup above too. PosixStatus of bpf(2): EPERM
// without CAP_BPF or CAP_SYS_ADMIN, EINVAL where the kernel lacks CONFIG_CGROUP_BPF.
absl::StatusOr<UniqueFd> AttachDeviceProgram(int cgroup_fd, absl::Span<const bpf_insn> program);

}  // namespace tiny::cgroup

#endif  // TINY_CGROUP_DEVICE_PROGRAM_H_
