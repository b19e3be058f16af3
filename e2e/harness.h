// Drives the real binary as a user would, on a machine of its own: the test program runs in a new
// pid namespace with mounts and network of its own, so whatever a container leaves behind can be
// seen, and goes when the test ends.
//
//   TEST_F(TinyTest, SaysHello) {
//     EXPECT_THAT(Tiny({"run", "--rm", "--rootfs", "/:O", "echo", "hello"}), Succeeds("hello\n"));
//   }
//
// After each test the leak oracle (leak_oracle.h) checks that nothing of tiny is left.
#ifndef TINY_E2E_HARNESS_H_
#define TINY_E2E_HARNESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "e2e/leak_oracle.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/temp_dir.h"

namespace tiny::e2e {

struct Result {
  int code = -1;  // as a shell would say it: 128+n for signal n
  std::string out;
  std::string err;
};
void PrintTo(const Result& result, std::ostream* stream);

MATCHER_P(Succeeds, out, "") { return arg.code == 0 && ::testing::Matches(out)(arg.out); }

// An error as it should be: that exit code, nothing on stdout, and one line "tiny: ..." on stderr
// which holds `text`; a second one may begin with "hint: ".
bool IsClearError(const Result& result, int code, const std::string& text, std::string* why);
MATCHER_P2(FailsClearly, code, text, "") {
  std::string why;
  const bool ok = IsClearError(arg, code, text, &why);
  *result_listener << why;
  return ok;
}

class TinyTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // The command line of the binary with --root and --run-root of this test.
  std::vector<std::string> CommandLine(const std::vector<std::string>& args) const;
  // Runs it and waits for it.
  Result Tiny(const std::vector<std::string>& args, const std::string& input = "");
  // Any program, by its path.
  Result RunProgram(const std::vector<std::string>& words, const std::string& input = "");
  // Starts it and does not wait.
  pid_t Spawn(const std::vector<std::string>& args);
  Result Finish(pid_t pid);

  // `run` and flags that suit every test: an overlay of this machine's files, and no network but
  // what `args` ask for with --network.
  Result Run(const std::vector<std::string>& args);
  std::vector<std::string> RunArgs(const std::vector<std::string>& args) const;
  // A detached container; its id.
  std::string Detached(const std::vector<std::string>& args);

  // The output of `inspect --format`, less its newline.
  std::string Inspect(const std::string& container, const std::string& format);
  pid_t SupervisorOf(const std::string& container);
  // Until the command's output is `out` or 20 s have passed.
  bool Eventually(const std::vector<std::string>& args, const std::string& out);

  std::string RootPath() const { return dir_->Path("root"); }
  std::string RunPath() const { return dir_->Path("run"); }
  std::string cgroup_parent() const { return cgroup_parent_; }

  const LeakOracle& oracle() const { return *oracle_; }
  // What is left of tiny: one line each. Waits a while for there to be nothing.
  std::vector<std::string> Leaks() const;

 private:
  std::unique_ptr<testing::TempDir> dir_;
  std::string cgroup_parent_;
  std::unique_ptr<LeakOracle> oracle_;
};

// Waits for that long at most until `condition` holds.
bool WaitUntil(absl::Duration limit, const std::function<bool()>& condition);

}  // namespace tiny::e2e

#endif  // TINY_E2E_HARNESS_H_
