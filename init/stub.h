// The parts of the init stub. Freestanding: no libc, no allocation, no static initialisation.
#ifndef TINY_INIT_STUB_H_
#define TINY_INIT_STUB_H_

#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>

#include "base/child_step.h"
#include "base/raw_syscall.h"
#include "init/payload.h"

namespace tiny::init {

struct Arguments {
  char** argv;  // the program's, without the stub's own argv[0]
  char** envp;
  const char* path;  // what is executed
};

// The message as received, with bounds of its tails checked once.
class Received {
 public:
  // Null unless `size` bytes hold a whole and sound message.
  static const InitConfig* Check(const unsigned char* bytes, size_t size);
};

template <typename T>
const T* TailOf(const InitConfig& config, const Tail& tail) {
  return reinterpret_cast<const T*>(reinterpret_cast<const unsigned char*>(&config) + tail.offset);
}

// Session, terminal, label, keyring, personality, streams: with privileges kept.
ChildResult PrepareSession(const InitConfig& config);

// Real and effective; the saved ones are like the effective.
struct Ids {
  uint32_t uid = kUnset;
  uint32_t euid = kUnset;
  uint32_t gid = kUnset;
  uint32_t egid = kUnset;
};

// Bounding set, groups, gid, uid where they are not `now` what they are to be, the four other sets
// (CAP_SYS_ADMIN may be kept one step longer: see FinishCredentials), umask.
ChildResult ApplyCredentials(const InitConfig& config, const Ids& now);

// no_new_privs and the seccomp filter, whose listener, if it has one, goes to `listener`.
ChildResult InstallFilter(const InitConfig& config, int* listener);

// Where the filter needed CAP_SYS_ADMIN, the final capability sets.
ChildResult FinishCredentials(const InitConfig& config);

// execve with the search of PATH; returns only on failure. With `check_only`, no more than looks
// whether there is something to execute.
ChildResult ExecuteProgram(const Arguments& arguments, bool check_only);

// Why execve failed on `path`: the missing interpreter, CRLF line endings, another architecture.
ChildResult ExplainExecFailure(const char* path, long error);

// As pid 1 (--init): returns in the forked child, which goes on to execute the program; the parent
// forwards signals, reaps, and exits as the program did.
ChildResult BecomeReaper();

// The few functions of libc that are needed.
size_t Length(const char* text);
bool StartsWith(const char* text, const char* prefix);
size_t Append(char* buffer, size_t capacity, size_t length, const char* text);  // NUL-terminates
[[noreturn]] void Exit(int code);

}  // namespace tiny::init

#endif  // TINY_INIT_STUB_H_
