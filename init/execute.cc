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

// Puts the first directory of `path` and the name together; what comes after it, or nullptr.
const char* NextCandidate(const char* path, const char* name, char* candidate, size_t capacity) {
  size_t length = 0;
  while (*path != '\0' && *path != ':') {
    if (length + 2 < capacity) candidate[length++] = *path;
    ++path;
  }
  if (length == 0) candidate[length++] = '.';
  candidate[length++] = '/';
  Append(candidate, capacity, length, name);
  return *path == ':' ? path + 1 : nullptr;
}

// As execvp(3): these say that there is nothing to execute in this directory.
bool GoesOn(long error) { return error == -ENOENT || error == -ENOTDIR || error == -ESTALE; }

}  // namespace

ChildResult ExecuteProgram(const Arguments& arguments, bool check_only) {
  const char* name = arguments.path;
  if (*name == '\0') {
    // A container may be created without a program; it can't be started.
    if (check_only) return ChildResult();
    return ChildError(ENOENT, "exec: the name of the program is empty");
  }
  if (HasSlash(name)) {
    const long error = Try(name, arguments, check_only);
    return error == 0 ? ChildResult() : ExplainExecFailure(name, error);
  }
  // In a second round, where no candidate could be executed, one that is there is looked for: what
  // is missing then is its interpreter.
  long refusal = 0;
  char candidate[4096];
  for (const bool explain : {false, true}) {
    for (const char* path = FindPath(arguments.envp); path != nullptr;) {
      path = NextCandidate(path, name, candidate, sizeof(candidate));
      const long error = explain ? Probe(candidate) : Try(candidate, arguments, check_only);
      if (error == 0)
        return explain ? ExplainExecFailure(candidate, refusal != 0 ? refusal : -ENOENT)
                       : ChildResult();
      if (error == -EACCES && explain && refusal != 0) {
        return ExplainExecFailure(candidate, error);
      }
      if (error == -EACCES) {
        refusal = error;
      } else if (!GoesOn(error)) {
        return ExplainExecFailure(candidate, error);
      }
    }
  }
  return ChildError(ENOENT, "executable file not found in $PATH:", name);
}

}  // namespace tiny::init
