// Which security modules of the kernel are at work: whether a label can be asked for. Thread-safe.
#ifndef TINY_SECURITY_LSM_H_
#define TINY_SECURITY_LSM_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tiny::security {

// AppArmor: /sys/module/apparmor/parameters/enabled is Y. SELinux: selinuxfs is mounted.
bool AppArmorActive();
bool SelinuxActive();

// ok where the kernel can apply these; kUnimplemented with a hint where it can't. An empty name,
// and "unconfined" for AppArmor, are always ok.
absl::Status CheckAppArmorProfile(absl::string_view profile);
absl::Status CheckSelinuxLabel(absl::string_view label);

}  // namespace tiny::security

#endif  // TINY_SECURITY_LSM_H_
