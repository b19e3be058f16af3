#include "security/lsm.h"

#include "base/posix_status.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::security {
namespace {

TEST(LsmTest, NothingAskedForIsAlwaysFine) {
  EXPECT_OK(CheckAppArmorProfile(""));
  EXPECT_OK(CheckAppArmorProfile("unconfined"));
  EXPECT_OK(CheckSelinuxLabel(""));
}

TEST(LsmTest, AProfileIsRefusedExactlyWhereTheKernelCantApplyIt) {
  const absl::Status profile = CheckAppArmorProfile("docker-default");
  EXPECT_EQ(profile.ok(), AppArmorActive());
  EXPECT_EQ(GetHint(profile).empty(), profile.ok());
  EXPECT_EQ(CheckSelinuxLabel("system_u:system_r:container_t:s0").ok(), SelinuxActive());
}

}  // namespace
}  // namespace tiny::security
