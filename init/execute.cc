// execve(2) with the search that execvp(3) does, inside the container.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "init/stub.h"

namespace tiny::init {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const char* FindPath(char** envp) {
  for (; *envp != nullptr; ++envp) {
    if (StartsWith(*envp, "PATH=")) return *envp + 5;
  }
  return kDefaultPath;
}

bool HasSlash(const char* text) {
  for (; *text != '\0'; ++text) {
    if (*text == '/') return true;
  }
  return false;
}

// What execve would say, as far as the file's kind and mode tell; it is not executed.
long Probe(const char* path) {
  const long allowed = RawSyscall(SYS_faccessat, AT_FDCWD, path, X_OK);
  if (allowed < 0) return allowed;
  struct stat status;
  const long known = RawSyscall(SYS_newfstatat, AT_FDCWD, path, &status, 0);
  if (known < 0) return known;
  return S_ISREG(status.st_mode) ? 0 : -EACCES;
}

long Try(const char* path, const Arguments& arguments, bool check_only) {
  if (check_only) return Probe(path);
  return RawSyscall(SYS_execve, path, arguments.argv, arguments.envp);
}

// As execvp(3): these say that there is nothing to execute in this directory.
bool GoesOn(long error) { return error == -ENOENT || error == -ENOTDIR || error == -ESTALE; }

}  // namespace

ChildResult ExecuteProgram(const Arguments& arguments, bool check_only) {
  const char* name = arguments.argv[0];
  if (*name == '\0') return ChildError(ENOENT, "exec: the name of the program is empty");
  if (HasSlash(name)) {
    const long error = Try(name, arguments, check_only);
    return error == 0 ? ChildResult() : ExplainExecFailure(name, error);
  }
  char candidate[4096];
  char refused[4096];
  long refusal = 0;
  for (const char* path = FindPath(arguments.envp);;) {
    size_t length = 0;
    while (*path != '\0' && *path != ':' && length + 2 < sizeof(candidate)) {
      candidate[length++] = *path++;
    }
    if (length == 0) candidate[length++] = '.';
    candidate[length++] = '/';
    length = Append(candidate, sizeof(candidate), length, name);
    const long error = Try(candidate, arguments, check_only);
    if (error == 0) return ChildResult();
    if (error == -EACCES) {
      refusal = error;
      Append(refused, sizeof(refused), 0, candidate);
    } else if (!GoesOn(error)) {
      return ExplainExecFailure(candidate, error);
    } else if (Probe(candidate) == 0) {
      // It is there: what is missing is its interpreter.
      return ExplainExecFailure(candidate, error);
    }
    while (*path != '\0' && *path != ':') ++path;
    if (*path == '\0') break;
    ++path;
  }
  if (refusal != 0) return ExplainExecFailure(refused, refusal);
  return ChildError(ENOENT, "executable file not found in $PATH:", name);
}

}  // namespace tiny::init
