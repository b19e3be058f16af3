#include "security/lsm.h"

#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"

namespace tiny::security {

bool AppArmorActive() {
  const absl::StatusOr<std::string> enabled =
      ReadFile("/sys/module/apparmor/parameters/enabled", 16);
  return enabled.ok() && absl::StartsWith(*enabled, "Y");
}

bool SelinuxActive() { return access("/sys/fs/selinux/enforce", F_OK) == 0; }

absl::Status CheckAppArmorProfile(absl::string_view profile) {
  if (profile.empty() || profile == "unconfined" || AppArmorActive()) return absl::OkStatus();
  return WithHint(absl::UnimplementedError(
                      absl::StrCat("AppArmor profile ", profile, ": this kernel has no AppArmor")),
                  "leave the profile out, or boot with security=apparmor");
}

absl::Status CheckSelinuxLabel(absl::string_view label) {
  if (label.empty() || SelinuxActive()) return absl::OkStatus();
  return WithHint(absl::UnimplementedError(
                      absl::StrCat("SELinux label ", label, ": SELinux is not active here")),
                  "leave the label out, or boot with security=selinux");
}

}  // namespace tiny::security
