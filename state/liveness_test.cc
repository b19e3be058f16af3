#include "state/liveness.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::state {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

ContainerState Running() {
  ContainerState state;
  state.status = Status::kRunning;
  state.init = {.pid = 100, .start_time = 5, .boot_id = "this"};
  state.supervisor = {.pid = 99, .start_time = 4, .boot_id = "this"};
  return state;
}

TEST(ReconcileTest, WhatLivesIsLeftAlone) {
  for (const Liveness liveness :
       {Liveness{true, true, true}, Liveness{true, false, true}, Liveness{true, true, false}}) {
    const ContainerState state = Reconcile(Running(), liveness);
    EXPECT_EQ(state.status, Status::kRunning);
    EXPECT_EQ(state.init.pid, 100);
  }
}

TEST(ReconcileTest, AContainerFromAnotherBootIsExited) {
  for (const Status status : {Status::kRunning, Status::kPaused, Status::kRestarting}) {
    ContainerState recorded = Running();
    recorded.status = status;
    const ContainerState state = Reconcile(recorded, {.same_boot = false});
    EXPECT_EQ(state.status, Status::kExited);
    EXPECT_EQ(state.exit_code, -1);
    EXPECT_EQ(state.init.pid, 0);
    EXPECT_THAT(state.error, HasSubstr("machine went down"));
  }
}

TEST(ReconcileTest, AContainerThatNobodySawEndIsExited) {
  const ContainerState state = Reconcile(Running(), {.same_boot = true});
  EXPECT_EQ(state.status, Status::kExited);
  EXPECT_EQ(state.exit_code, -1);
  EXPECT_THAT(state.error, HasSubstr("supervisor was killed"));
}

TEST(ReconcileTest, WhatEndedBeforeStaysAsItWas) {
  ContainerState recorded = Running();
  recorded.status = Status::kExited;
  recorded.exit_code = 3;
  ContainerState state = Reconcile(recorded, {.same_boot = false});
  EXPECT_EQ(state.status, Status::kExited);
  EXPECT_EQ(state.exit_code, 3);
  EXPECT_THAT(state.error, IsEmpty());
  recorded.status = Status::kCreated;
  EXPECT_EQ(Reconcile(recorded, {}).status, Status::kCreated);
  recorded.status = Status::kRemoving;
  EXPECT_EQ(Reconcile(recorded, {}).status, Status::kDead);
}

TEST(ProbeLivenessTest, KnowsAProcessFromALaterOneWithItsPid) {
  ContainerState state = Running();
  ASSERT_OK_AND_ASSIGN(state.init, IdentifyProcess(getpid()));
  state.supervisor = {};
  Liveness liveness = ProbeLiveness(state);
  EXPECT_TRUE(liveness.same_boot);
  EXPECT_TRUE(liveness.init_alive);
  EXPECT_FALSE(liveness.supervisor_alive);
  state.init.start_time += 1;
  liveness = ProbeLiveness(state);
  EXPECT_TRUE(liveness.same_boot);
  EXPECT_FALSE(liveness.init_alive);
  state.init.start_time -= 1;
  state.init.boot_id = "another";
  liveness = ProbeLiveness(state);
  EXPECT_FALSE(liveness.same_boot);
  EXPECT_FALSE(liveness.init_alive);
}

TEST(ProbeLivenessTest, AZombieIsNotAlive) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(0);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  ContainerState state;
  ASSERT_OK_AND_ASSIGN(state.init, IdentifyProcess(child));
  EXPECT_FALSE(ProbeLiveness(state).init_alive);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
}

}  // namespace
}  // namespace tiny::state
