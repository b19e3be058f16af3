// Runs a test's body in a forked child with namespaces of its own, so that tests which mount, set
// up links or change hostnames disturb nothing on the machine.
#ifndef TINY_TESTING_ISOLATED_H_
#define TINY_TESTING_ISOLATED_H_

#include <functional>

namespace tiny::testing {

// True where the test may make namespaces and mounts (effective uid 0 with CAP_SYS_ADMIN).
// A kernel test begins with: if (!HavePrivilege()) GTEST_SKIP() << "needs root";
// The privileged CI run asserts that nothing was skipped.
bool HavePrivilege();

// Forks, unshares `clone_flags` (CLONE_NEWNS also makes every mount private; CLONE_NEWPID takes
// effect for the body itself) and runs `body` there. Failures of EXPECT_* and ASSERT_* inside are
// failures of the calling test. The child's processes are killed when the body returns.
void RunIsolated(int clone_flags, const std::function<void()>& body);

}  // namespace tiny::testing

#endif  // TINY_TESTING_ISOLATED_H_
