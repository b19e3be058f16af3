#include "runtime/supervisor/process_setup.h"

#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "base/files.h"
#include "base/value_file.h"

namespace tiny::runtime {

namespace {

// What a start has touched of the program's read-only pages is of no more use to a process that
// sleeps. They stay in the page cache, from where they are mapped again when they are needed.
int DropPagesOf(dl_phdr_info* object, size_t, void*) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const uintptr_t start = object->dlpi_addr + segment.p_vaddr;
    const uintptr_t begin = (start + page - 1) & ~(page - 1);
    const uintptr_t end = (start + segment.p_memsz) & ~(page - 1);
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void BecomeSupervisor(const char* name) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  // A parent may have had it ignored, and then no child of ours could be waited for.
  signal(SIGCHLD, SIG_DFL);
  setsid();
  prctl(PR_SET_NAME, name);
  if (chdir("/") != 0) return;
  umask(022);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  if (null > 2) close(null);
}

std::optional<int> SettleDown() {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory("/proc/self/fd");
  if (names.ok()) {
    for (const std::string& name : *names) {
      int fd = -1;
      if (!absl::SimpleAtoi(name, &fd) || fd < 3) continue;
      const int flags = fcntl(fd, F_GETFD);
      if (flags >= 0 && (flags & FD_CLOEXEC) == 0) close(fd);
    }
  }
  malloc_trim(0);
  int before = 0;
  constexpr char kOomScore[] = "/proc/self/oom_score_adj";
  const absl::StatusOr<std::string> text = ReadValue(kOomScore);
  if (!text.ok() || !absl::SimpleAtoi(*text, &before)) return std::nullopt;
  if (!WriteControlFile(kOomScore, "-999").ok()) return std::nullopt;
  return before;
}

void DropReadOnlyPages() { dl_iterate_phdr(&DropPagesOf, nullptr); }

}  // namespace tiny::runtime
