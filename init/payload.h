// What a process of a container is told between its exec of the init stub and that of its program.
//
// The stub is the freestanding program of this folder; the launcher executes it with
//   argv[0] "tiny-init <fd>"  the descriptor of its end of the SEQPACKET pair: its only link.
//                             Followed by " ready": the launcher wants to be told when it runs
//   argv[1..], envp           those of the user's program, as they are
//   descriptors 0, 1, 2       the standard streams; all others up to <fd> are meant for the program
// and speaks with it over the pair:
//   1. stub -> launcher  InitMessage kReady, where it is wanted
//   2. launcher -> stub  one message: InitConfig and its tail. End of file: the launcher died, and
//                        the stub exits.
//   3. stub -> launcher  kWaiting, where it waits on a listening socket for another process to let
//                        it go on; from here it reports to whoever connects
//   4. stub -> launcher  kSeccompListener, where the filter has one, with its number in the stub,
//                        which waits for a byte
//   5. stub -> launcher  kFailed, or end of file: the program has been executed
// Plain old data for one machine and one build: never stored.
#ifndef TINY_INIT_PAYLOAD_H_
#define TINY_INIT_PAYLOAD_H_

#include <cstddef>
#include <cstdint>

#include "base/child_step.h"

namespace tiny::init {

enum class MessageKind : uint32_t {
  kReady = 1,
  kWaiting = 2,
  kSeccompListener = 3,
  kFailed = 4,
  kDescriptor = 5,  // of the launcher's own child code: a descriptor that a step hands out
  kBarrier = 6,     // likewise: a step waits for the parent's go
};

struct InitMessage {
  MessageKind kind = MessageKind::kReady;
  int32_t value = 0;
  ChildResult result;
};

// Where in the message the elements of a list are: `count` of them from byte `offset`.
struct Tail {
  uint32_t offset = 0;
  uint32_t count = 0;
};

enum InitFlags : uint32_t {
  kNoNewPrivileges = 1 << 0,
  kReaper = 1 << 1,           // stay as the parent of the program, forward signals, reap
  kNewSession = 1 << 2,       // setsid
  kControllingTty = 1 << 3,   // TIOCSCTTY on descriptor 0
  kSetGroups = 1 << 4,        // setgroups with `groups`, even if none
  kOwnStdio = 1 << 5,         // fchown descriptors 0 to 2 to `uid`, where that is allowed
  kCheckProgram = 1 << 6,     // look for the program before waiting for the start
  kSetCapabilities = 1 << 7,  // else the five sets are left alone
  kSetUser = 1 << 8,
  kLabelKeyring = 1 << 9,  // keyrings that are made get `exec_label`, too
};

// ChildResult::step of what the stub reports: its details need no name of a step.
inline constexpr uint32_t kStubStep = 0x20000;

inline constexpr uint32_t kUnset = ~uint32_t{0};
inline constexpr uint64_t kPersonalityUnset = ~uint64_t{0};

struct InitConfig {
  uint32_t flags = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t umask = kUnset;
  uint64_t personality = kPersonalityUnset;
  uint64_t bounding = 0;  // capability sets, bit n is capability n
  uint64_t permitted = 0;
  uint64_t effective = 0;
  uint64_t inheritable = 0;
  uint64_t ambient = 0;
  // Bit n-1 for signal n, filled in by the launcher: what a caller ignores (nohup, a shell without
  // job control) would stay ignored. Handlers end with an exec by themselves.
  uint64_t ignored_signals = 0;
  int32_t start_fd = -1;       // a listening socket; -1: go on at once
  uint32_t seccomp_flags = 0;  // SECCOMP_FILTER_FLAG_*
  Tail groups;                 // uint32_t
  Tail seccomp;                // sock_filter; empty: no filter
  Tail cwd;                    // text with its NUL
  Tail keyring;                // name of the new session keyring with its NUL; empty: none made
  Tail exec_label;             // for /proc/thread-self/attr/exec; empty: none
  Tail path;                   // of the program with its NUL; empty: it is argv[1]
};

// The longest message, header and tail: more than the largest filter and group list together.
inline constexpr size_t kMaxConfigBytes = size_t{128} << 10;
inline constexpr uint32_t kMaxGroups = 8192;

// What the stub exits with when it cannot go on; the reason is in its message.
inline constexpr int kFailedExitCode = 125;

}  // namespace tiny::init

#endif  // TINY_INIT_PAYLOAD_H_
