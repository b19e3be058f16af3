#include "security/rlimits.h"

#include <sys/resource.h>

#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::security {
namespace {

TEST(RlimitsTest, AllOfTheKernelsHaveNames) {
  for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource) {
    ASSERT_OK_AND_ASSIGN(const int found, RlimitFromName(RlimitName(resource)));
    EXPECT_EQ(found, resource);
  }
  EXPECT_EQ(RlimitName(RLIM_NLIMITS), "");
}

TEST(RlimitsTest, TakesTheNamesOfDockerAndOfTheSpecification) {
  for (const char* name : {"nofile", "NOFILE", "RLIMIT_NOFILE"}) {
    ASSERT_OK_AND_ASSIGN(const int resource, RlimitFromName(name));
    EXPECT_EQ(resource, RLIMIT_NOFILE);
  }
  EXPECT_FALSE(RlimitFromName("nofiles").ok());
  EXPECT_FALSE(RlimitFromName("").ok());
}

}  // namespace
}  // namespace tiny::security
