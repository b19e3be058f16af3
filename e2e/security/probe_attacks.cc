#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tiocl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "e2e/security/probe.h"

namespace tiny::e2e {
namespace {

void Tell(const char* name, long result) {
  printf("%s %s\n", name, ErrnoName(result < 0 ? -errno : 0));
}

long OpenAndClose(const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) close(fd);
  return fd;
}

long MountCgroup(const char* controller) {
  mkdir("/tmp/cgroup-probe", 0755);
  const char* type = strcmp(controller, "unified") == 0 ? "cgroup2" : "cgroup";
  return mount("x", "/tmp/cgroup-probe", type, 0, type[6] == '2' ? nullptr : controller);
}

// As CVE-2022-0492 does: in namespaces of its own, where it would be root again.
long MountCgroupInNewNamespaces() {
  const pid_t pid = fork();
  if (pid == 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) != 0) _exit(errno);
    if (MountCgroup("memory") != 0) _exit(errno);
    const int fd = open("/tmp/cgroup-probe/release_agent", O_WRONLY | O_CLOEXEC);
    _exit(fd < 0 ? errno : 0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  errno = WEXITSTATUS(status);
  return errno == 0 ? 0 : -1;
}

}  // namespace

int ProbeProcess(int argc, char** argv) {
  if (argc < 1) return 2;
  const std::string folder = std::string("/proc/") + argv[0] + "/";
  const pid_t pid = atoi(argv[0]);
  char text[4096];
  for (const char* link : {"exe", "cwd", "root", "fd/0", "ns/mnt"}) {
    Tell(link, readlink((folder + link).c_str(), text, sizeof(text)));
  }
  for (const char* file : {"mem", "maps", "environ", "auxv"}) {
    Tell(file, OpenAndClose((folder + file).c_str(), O_RDONLY));
  }
  iovec local = {text, sizeof(text)};
  iovec remote = {reinterpret_cast<void*>(0x400000), sizeof(text)};
  Tell("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));
  const long attached = ptrace(PTRACE_SEIZE, pid, nullptr, nullptr);
  Tell("ptrace", attached);
  return 0;
}

int ProbeTerminals(int, char**) {
  for (const char* name : {"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", "/dev/tty",
                           "/dev/console", "/dev/tty0", "/dev/tty1"}) {
    const int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
      Tell(name, fd);
      continue;
    }
    char letter = '!';
    char subcode = TIOCL_SETSEL;
    const long pushed = ioctl(fd, TIOCSTI, &letter);
    Tell(name, pushed == 0 ? 0 : ioctl(fd, TIOCLINUX, &subcode));
    close(fd);
  }
  for (int fd = 0; fd < 3; ++fd) {
    char letter = '!';
    printf("%d %s\n", fd, ErrnoName(ioctl(fd, TIOCSTI, &letter) < 0 ? -errno : 0));
  }
  return 0;
}

int ProbeForbidden(int, char**) {
  unlink("/tmp/node");
  Tell("mknod-disk", mknod("/tmp/node", S_IFBLK | 0600, makedev(254, 0)));
  Tell("open-disk", OpenAndClose("/tmp/node", O_RDONLY));
  unlink("/tmp/node");
  Tell("mknod-mem", mknod("/tmp/node", S_IFCHR | 0600, makedev(1, 1)));
  Tell("open-mem", OpenAndClose("/tmp/node", O_RDONLY));
  unlink("/tmp/node");
  Tell("mknod-null", mknod("/tmp/node", S_IFCHR | 0600, makedev(1, 3)));
  Tell("open-null", OpenAndClose("/tmp/node", O_RDONLY));
  for (const char* device : {"/dev/kmsg", "/dev/mem", "/dev/fuse", "/dev/loop0", "/dev/net/tun"}) {
    Tell(device, OpenAndClose(device, O_RDONLY));
  }
  for (const char* controller : {"memory", "devices", "pids", "freezer", "unified"}) {
    Tell(controller, MountCgroup(controller));
  }
  Tell("new-namespaces", MountCgroupInNewNamespaces());
  Tell("umount-proc", umount2("/proc", MNT_DETACH));
  Tell("umount-mask", umount2("/proc/keys", MNT_DETACH));
  Tell("remount-sys", mount(nullptr, "/sys", nullptr, MS_REMOUNT | MS_BIND, nullptr));
  Tell("remount-readonly", mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND, nullptr));
  Tell("alg", socket(38, SOCK_SEQPACKET, 0));
  Tell("vsock", socket(40, SOCK_STREAM, 0));
  Tell("keyctl", syscall(SYS_keyctl, 0, -3, 0));
  for (const char* file : {"/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern",
                           "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_helper",
                           "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs"}) {
    Tell(file, OpenAndClose(file, O_WRONLY));
  }
  return 0;
}

int ProbeKeys(int argc, char** argv) {
  constexpr int kSearch = 10;
  constexpr int kRead = 11;
  constexpr int kSessionKeyring = -3;
  if (argc < 1) return 2;
  Tell("search", syscall(SYS_keyctl, kSearch, kSessionKeyring, "user", "tiny-e2e-key", 0));
  char text[16];
  Tell("read", syscall(SYS_keyctl, kRead, atoi(argv[0]), text, sizeof(text)));
  return 0;
}

int ProbeOverwrite(int, char**) {
  printf("watching\n");
  while (true) {
    DIR* proc = opendir("/proc");
    if (proc == nullptr) return 1;
    while (const dirent* entry = readdir(proc)) {
      const pid_t pid = atoi(entry->d_name);
      if (pid <= 0 || pid == getpid()) continue;
      const std::string exe = std::string("/proc/") + entry->d_name + "/exe";
      char target[256] = {};
      if (readlink(exe.c_str(), target, sizeof(target) - 1) < 0) continue;
      const int fd = open(exe.c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      // What is opened to be read now may be opened to be written when nobody executes it any more.
      const int seals = fcntl(fd, F_GET_SEALS);
      const bool sealed = seals >= 0 && (seals & F_SEAL_WRITE) != 0;
      const bool own = strstr(target, "busybox") != nullptr || strstr(target, "probe") != nullptr;
      if (!sealed && !own) printf("opened %s\n", target);
      close(fd);
    }
    closedir(proc);
  }
}

int ProbeExchange(int argc, char** argv) {
  if (argc < 2) return 2;
  printf("exchanging\n");
  while (true) {
    syscall(SYS_renameat2, AT_FDCWD, argv[0], AT_FDCWD, argv[1], RENAME_EXCHANGE);
  }
}

}  // namespace tiny::e2e
