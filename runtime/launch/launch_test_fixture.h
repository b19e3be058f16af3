// A container of busybox alone, whose shell runs what a test wants.
#ifndef TINY_RUNTIME_LAUNCH_LAUNCH_TEST_FIXTURE_H_
#define TINY_RUNTIME_LAUNCH_LAUNCH_TEST_FIXTURE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "oci/spec.h"
#include "runtime/launch/launch.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {

class LaunchTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  void Shell(const std::string& script) { spec_.process->args = {"sh", "-c", script}; }

  // Starts the container and returns what it wrote and its exit code.
  absl::StatusOr<std::pair<std::string, int>> Run();

  bool CgroupExists();

  testing::TempDir dir_;
  oci::Spec spec_;
  LaunchRequest request_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_LAUNCH_TEST_FIXTURE_H_
