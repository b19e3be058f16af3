// Why a program cannot be executed, said by looking into the file after execve(2) has failed.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "init/stub.h"

namespace tiny::init {
namespace {

#if defined(__x86_64__)
constexpr unsigned kMachine = EM_X86_64;
#else
constexpr unsigned kMachine = EM_AARCH64;
#endif

const char* MachineName(unsigned machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "arm64";
    case EM_ARM:
      return "arm";
    case EM_386:
      return "i386";
    case EM_RISCV:
      return "riscv";
    case EM_PPC64:
      return "ppc64";
    case EM_S390:
      return "s390";
    default:
      return "another architecture";
  }
}

class Text {
 public:
  explicit Text(const char* path) {
    Add("exec ");
    Add(path);
  }
  Text& Add(const char* text) {
    length_ = Append(text_, sizeof(text_), length_, text);
    return *this;
  }
  ChildResult Result(long error) const { return ChildError(error, text_); }

 private:
  char text_[sizeof(ChildResult::detail)] = {};
  size_t length_ = 0;
};

bool Missing(const char* path) {
  struct stat status;
  return RawSyscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) == -ENOENT;
}

bool IsOnNoexecMount(const char* path) {
  struct statfs mount;
  return RawSyscall(SYS_statfs, path, &mount) == 0 && (mount.f_flags & ST_NOEXEC) != 0;
}

// "#! /bin/sh -e\r\n"
ChildResult ExplainScript(Text& text, char* head, size_t size, long error) {
  size_t start = 2;
  while (start < size && (head[start] == ' ' || head[start] == '\t')) ++start;
  size_t end = start;
  while (end < size && head[end] != ' ' && head[end] != '\t' && head[end] != '\n' &&
         head[end] != '\0') {
    ++end;
  }
  bool carriage_return = false;
  for (size_t i = start; i < size && head[i] != '\n'; ++i) carriage_return |= head[i] == '\r';
  if (end > start && head[end - 1] == '\r') --end;
  head[end] = '\0';
  const char* interpreter = head + start;
  if (carriage_return) {
    text.Add(": the script has CRLF line endings, so its interpreter ").Add(interpreter);
    return text.Add("\\r does not exist").Result(error);
  }
  if (error == -ENOENT && Missing(interpreter)) {
    return text.Add(": its interpreter ").Add(interpreter).Add(" does not exist").Result(error);
  }
  if (error == -EACCES) {
    return text.Add(": its interpreter ").Add(interpreter).Add(" is not executable").Result(error);
  }
  return text.Result(error);
}

ChildResult ExplainElf(Text& text, int fd, const char* head, size_t size, long error) {
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(head);
  if (size < sizeof(Elf64_Ehdr)) return text.Add(": the file is cut off").Result(error);
  if (error == -ENOEXEC && header->e_machine != kMachine) {
    return text.Add(": built for ")
        .Add(MachineName(header->e_machine))
        .Add(", this machine is ")
        .Add(MachineName(kMachine))
        .Result(error);
  }
  if (error != -ENOENT || header->e_ident[EI_CLASS] != ELFCLASS64) return text.Result(error);
  for (unsigned i = 0; i < header->e_phnum && i < 64; ++i) {
    Elf64_Phdr segment;
    const long offset = static_cast<long>(header->e_phoff + i * sizeof(segment));
    if (RawSyscall(SYS_pread64, fd, &segment, sizeof(segment), offset) !=
        static_cast<long>(sizeof(segment))) {
      break;
    }
    if (segment.p_type != PT_INTERP) continue;
    char loader[256] = {};
    const size_t wanted =
        segment.p_filesz < sizeof(loader) - 1 ? segment.p_filesz : sizeof(loader) - 1;
    RawSyscall(SYS_pread64, fd, loader, wanted, segment.p_offset);
    return text.Add(": its loader ")
        .Add(loader)
        .Add(" does not exist in the container")
        .Result(error);
  }
  return text.Result(error);
}

}  // namespace

ChildResult ExplainExecFailure(const char* path, long error) {
  Text text(path);
  struct stat status;
  if (RawSyscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) < 0) return text.Result(error);
  if (S_ISDIR(status.st_mode)) return text.Add(": it is a directory").Result(EISDIR);
  if (!S_ISREG(status.st_mode)) return text.Add(": it is not a regular file").Result(error);
  if (error == -EACCES && (status.st_mode & 0111) == 0) {
    return text.Add(": it is not executable (chmod +x)").Result(error);
  }
  if (error == -EACCES && IsOnNoexecMount(path)) {
    return text.Add(": it is on a file system mounted noexec").Result(error);
  }
  const long fd = RawSyscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return text.Result(error);
  alignas(8) char head[257] = {};
  const long size = RawSyscall(SYS_pread64, fd, head, sizeof(head) - 1, 0);
  ChildResult result = ChildError(error, "exec", path);
  if (size == 0) {
    result = text.Add(": the file is empty").Result(error);
  } else if (size > 2 && head[0] == '#' && head[1] == '!') {
    result = ExplainScript(text, head, static_cast<size_t>(size), error);
  } else if (size > 4 && StartsWith(head, "\177ELF")) {
    result = ExplainElf(text, static_cast<int>(fd), head, static_cast<size_t>(size), error);
  } else if (error == -ENOEXEC) {
    result = text.Add(": neither a program nor a script that begins with #!").Result(error);
  }
  RawSyscall(SYS_close, fd);
  return result;
}

}  // namespace tiny::init
