// The init stub's entry and its conversation with the launcher: see payload.h.
#include <errno.h>
#include <fcntl.h>
#include <linux/auxvec.h>
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <sys/socket.h>

#include "init/stub.h"

namespace tiny::init {
namespace {

alignas(8) unsigned char message_buffer[kMaxConfigBytes];

// What can't be told would be waited for without end; the end of this process is seen. A filter may
// deny the one call and not the other.
void Send(int fd, MessageKind kind, const ChildResult& result, int32_t value = 0) {
  InitMessage message;
  message.kind = kind;
  message.value = value;
  message.result = result;
  long sent = RawSyscall(SYS_sendto, fd, &message, sizeof(message), MSG_NOSIGNAL);
  if (sent < 0) sent = RawSyscall(SYS_write, fd, &message, sizeof(message));
  if (sent < 0) Exit(kFailedExitCode);
}

[[noreturn]] void Fail(int fd, ChildResult result) {
  result.step = kStubStep;
  Send(fd, MessageKind::kFailed, result);
  Exit(kFailedExitCode);
}

// The filter is in force and may ask its agent about any call but write(2): about those that send a
// descriptor, too. So the launcher takes it from here, and answers when the agent has it.
void OfferListener(int link, int listener) {
  InitMessage message;
  message.kind = MessageKind::kSeccompListener;
  message.value = listener;
  char answer;
  long done = RawSyscall(SYS_write, link, &message, sizeof(message));
  if (done > 0) {
    do {
      done = RawSyscall(SYS_read, link, &answer, sizeof(answer));
    } while (done == -EINTR);
  }
  if (done <= 0) Exit(kFailedExitCode);
}

// Waits until another process connects, and makes that connection the link. The listening socket
// is not closed before: a second caller must never believe that it was the one.
int WaitForStart(int link, int start_fd) {
  Send(link, MessageKind::kWaiting, ChildResult());
  RawSyscall(SYS_close, link);
  long connection;
  do {
    connection = RawSyscall(SYS_accept4, start_fd, nullptr, nullptr, SOCK_CLOEXEC);
  } while (connection == -EINTR);
  if (connection < 0) Exit(kFailedExitCode);
  RawSyscall(SYS_close, start_fd);
  return static_cast<int>(connection);
}

void ResetSignals(uint64_t ignored) {
  const struct {
    void* handler;  // SIG_DFL
    unsigned long flags;
    void* restorer;
    uint64_t mask;
  } action = {};
  for (int signal = 1; ignored != 0; ++signal, ignored >>= 1) {
    if ((ignored & 1) == 0) continue;
    RawSyscall(SYS_rt_sigaction, signal, &action, nullptr, sizeof(action.mask));
  }
}

// Who this process is, by the auxiliary vector, which comes after the environment: after an exec
// the saved ids are the effective ones.
Ids IdsOf(const Arguments& arguments) {
  char** end = arguments.envp;
  while (*end != nullptr) ++end;
  Ids ids;
  for (auto* entry = reinterpret_cast<const unsigned long*>(end + 1); entry[0] != AT_NULL;
       entry += 2) {
    const auto id = static_cast<uint32_t>(entry[1]);
    if (entry[0] == AT_UID) ids.uid = id;
    if (entry[0] == AT_EUID) ids.euid = id;
    if (entry[0] == AT_GID) ids.gid = id;
    if (entry[0] == AT_EGID) ids.egid = id;
  }
  return ids;
}

// "tiny-init 7 ready" -> 7 and true; all but the name is cut off, so that ps shows only that.
int ParseLink(char* name, bool* tells_ready) {
  size_t i = 0;
  while (name[i] != '\0' && name[i] != ' ') ++i;
  if (name[i] == '\0') return -1;
  name[i++] = '\0';
  int fd = 0;
  for (; name[i] >= '0' && name[i] <= '9'; ++i) {
    fd = fd * 10 + (name[i] - '0');
    name[i] = '\0';
  }
  *tells_ready = name[i] == ' ';
  for (; name[i] != '\0'; ++i) name[i] = '\0';
  return fd;
}

[[noreturn]] void Run(int argc, char** argv) {
  // First: whoever shares the pid namespace must not trace what still is a part of the engine.
  RawSyscall(SYS_prctl, PR_SET_DUMPABLE, 0);
  bool tells_ready = false;
  const int first_link = argc > 1 ? ParseLink(argv[0], &tells_ready) : -1;
  if (first_link < 0) Exit(kFailedExitCode);
  Arguments arguments = {argv + 1, argv + argc + 1, argv[1]};
  // The link and what comes after it end with the exec of the program, which is how it is seen.
  const long closed = RawSyscall(SYS_close_range, first_link, ~0U, CLOSE_RANGE_CLOEXEC);
  if (closed < 0) Fail(first_link, ChildError(closed, "close_range"));
  RawSyscall(SYS_prctl, PR_SET_PDEATHSIG, 0);
  int link = first_link;
  if (tells_ready) Send(link, MessageKind::kReady, ChildResult());

  long size;
  do {
    size = RawSyscall(SYS_recvfrom, link, message_buffer, sizeof(message_buffer), 0);
  } while (size == -EINTR);
  if (size <= 0) Exit(kFailedExitCode);
  const InitConfig* config = Received::Check(message_buffer, static_cast<size_t>(size));
  if (config == nullptr) Fail(link, ChildError(EBADMSG, "read the init configuration"));
  if (config->path.count > 0) arguments.path = TailOf<char>(*config, config->path);

  if (config->start_fd >= 0) {
    if ((config->flags & kCheckProgram) != 0) {
      const ChildResult found = ExecuteProgram(arguments, /*check_only=*/true);
      if (!found.ok()) Fail(link, found);
    }
    link = WaitForStart(link, config->start_fd);
  }

  ResetSignals(config->ignored_signals);
  ChildResult result = PrepareSession(*config);
  if (result.ok()) result = ApplyCredentials(*config, IdsOf(arguments));
  if (!result.ok()) Fail(link, result);
  if ((config->flags & kReaper) != 0) {
    result = BecomeReaper();
    if (!result.ok()) Fail(link, result);
  }
  int listener = -1;
  result = InstallFilter(*config, &listener);
  if (!result.ok()) Fail(link, result);
  if (listener >= 0) OfferListener(link, listener);
  result = FinishCredentials(*config);
  if (!result.ok()) Fail(link, result);
  Fail(link, ExecuteProgram(arguments, /*check_only=*/false));
}

}  // namespace

const InitConfig* Received::Check(const unsigned char* bytes, size_t size) {
  if (size < sizeof(InitConfig)) return nullptr;
  const auto* config = reinterpret_cast<const InitConfig*>(bytes);
  struct Expected {
    const Tail* tail;
    size_t element;
  };
  const Expected tails[] = {{&config->groups, 4},  {&config->seccomp, 8},    {&config->cwd, 1},
                            {&config->keyring, 1}, {&config->exec_label, 1}, {&config->path, 1}};
  for (const Expected& expected : tails) {
    const size_t end = expected.tail->offset + expected.tail->count * expected.element;
    if (end > size || expected.tail->offset % expected.element != 0) return nullptr;
  }
  for (const Tail* text : {&config->cwd, &config->keyring, &config->exec_label, &config->path}) {
    if (text->count > 0 && bytes[text->offset + text->count - 1] != '\0') return nullptr;
  }
  return config;
}

}  // namespace tiny::init

extern "C" [[noreturn]] void StubMain(long* stack) {
  tiny::init::Run(static_cast<int>(stack[0]), reinterpret_cast<char**>(stack + 1));
}

// The kernel enters with the stack pointer at argc.
#if defined(__x86_64__)
asm(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call StubMain\n");
#else
asm(".globl _start\n_start:\n mov x29, #0\n mov x0, sp\n bl StubMain\n");
#endif
