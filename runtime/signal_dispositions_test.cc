#include "runtime/signal_dispositions.h"

#include <signal.h>

#include "gtest/gtest.h"

namespace tiny::runtime {
namespace {

constexpr char kStatus[] =
    "Name:\tsh\n"
    "SigQ:\t0/95978\n"
    "SigPnd:\t0000000000000000\n"
    "ShdPnd:\t0000000000000000\n"
    "SigBlk:\t0000000000000002\n"
    "SigIgn:\t0000000000004000\n"
    "SigCgt:\t0000000000000200\n";

TEST(SignalDispositionsTest, ReadsTheMasks) {
  const auto masks = ParseSignalDispositions(kStatus);
  ASSERT_TRUE(masks.has_value());
  EXPECT_EQ(masks->blocked, 0x2U);
  EXPECT_EQ(masks->ignored, 0x4000U);
  EXPECT_EQ(masks->caught, 0x200U);
  EXPECT_FALSE(HasNoEffectOnInit(*masks, SIGUSR1)) << "caught";
  EXPECT_FALSE(HasNoEffectOnInit(*masks, SIGINT)) << "blocked: perhaps awaited";
  EXPECT_TRUE(HasNoEffectOnInit(*masks, SIGTERM)) << "ignored";
  EXPECT_TRUE(HasNoEffectOnInit(*masks, SIGHUP)) << "default, which init is shielded from";
}

TEST(SignalDispositionsTest, RefusesWhatIsNotWhole) {
  EXPECT_FALSE(ParseSignalDispositions("").has_value());
  EXPECT_FALSE(ParseSignalDispositions("SigBlk:\t0\nSigIgn:\t0\n").has_value());
  EXPECT_FALSE(ParseSignalDispositions("SigBlk:\tz\nSigIgn:\t0\nSigCgt:\t0\n").has_value());
}

}  // namespace
}  // namespace tiny::runtime
