// An engine on folders of its own, with a root file system of busybox, for kernel tests.
#ifndef TINY_RUNTIME_ENGINE_TEST_FIXTURE_H_
#define TINY_RUNTIME_ENGINE_TEST_FIXTURE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "runtime/engine.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {

// What a call printed on stdout and stderr, while it read `input` as its stdin.
struct Captured {
  std::string out;
  std::string err;
};
Captured CaptureStreams(absl::string_view input, const std::function<void()>& call);

// Everything of a test runs in Isolated's body: in mount, pid, network and ipc namespaces of its
// own, where it is the parent of all that has none. Its cgroups are below one of its own.
class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void Isolated(const std::function<void()>& body);

  // A container that runs `sh -c script`, without network.
  state::ContainerConfig Shell(absl::string_view script) const;
  std::string Create(state::ContainerConfig config);
  std::string Run(state::ContainerConfig config);  // detached

  Container Look(absl::string_view reference);
  std::string LogOf(absl::string_view id) const;
  // Looks every few milliseconds until it holds; a failure if it does not within 20 s.
  void Eventually(absl::string_view what, const std::function<bool()>& holds);
  bool IsGone(pid_t pid) const;

  // Nothing is left of any container: no record, run directory, cgroup or process.
  void ExpectNothingLeft();

  std::unique_ptr<Engine> engine_;
  EngineOptions options_;
  std::string rootfs_;
  std::string cgroup_parent_;

 private:
  std::unique_ptr<testing::TempDir> dir_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_ENGINE_TEST_FIXTURE_H_
