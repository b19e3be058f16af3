// Loads a seccomp filter of three rules into this process and shows that it holds.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "security/seccomp/compiler.h"

int main() {
  using tiny::security::Comparison;
  // Everything is allowed, but for new directories and sockets that are not local.
  tiny::security::Policy policy;
  policy.default_action = SECCOMP_RET_ALLOW;
  policy.rules.push_back({{"mkdir", "mkdirat"}, SECCOMP_RET_ERRNO | EROFS, {}});
  policy.rules.push_back({{"socket"},
                          SECCOMP_RET_ERRNO | EAFNOSUPPORT,
                          {{.index = 0, .op = Comparison::kNotEqual, .value = AF_UNIX}}});

  absl::StatusOr<tiny::security::Program> program = tiny::security::CompilePolicy(policy);
  if (!program.ok()) {
    std::fprintf(stderr, "%s\n", program.status().ToString().c_str());
    return 1;
  }
  sock_fprog loaded = {static_cast<unsigned short>(program->size()), program->data()};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &loaded) != 0) {
    std::perror("seccomp");
    return 1;
  }
  std::printf("%zu instructions\n", program->size());
  std::printf("socket(AF_UNIX): %s\n", socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? "allowed" : "denied");
  std::printf("socket(AF_INET): %s\n", socket(AF_INET, SOCK_STREAM, 0) >= 0 ? "allowed" : "denied");
  return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT ? 0 : 1;
}
