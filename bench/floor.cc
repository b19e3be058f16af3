// What the kernel alone costs: the namespaces, mounts, devices, masks and capabilities of a default
// container by bare system calls, unchecked, without a cgroup or a record of anything.
//
//   floor ROOTFS     runs /bin/true in it
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace {

void Mounts(const char* rootfs) {
  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  mount(rootfs, rootfs, nullptr, MS_BIND | MS_REC, nullptr);
  (void)!chdir(rootfs);
  mount("proc", "proc", "proc", 0, nullptr);
  mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  mkdir("dev/pts", 0755);
  mkdir("dev/shm", 0755);
  mkdir("dev/mqueue", 0755);
  mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
        "newinstance,ptmxmode=0666,mode=0620,gid=5");
  mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k");
  mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, nullptr);
  mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, nullptr);
  const struct {
    const char* path;
    int minor;
  } devices[] = {
      {"dev/null", 3}, {"dev/zero", 5}, {"dev/full", 7}, {"dev/random", 8}, {"dev/urandom", 9}};
  for (const auto& device : devices) {
    mknod(device.path, S_IFCHR | 0666, makedev(1, static_cast<unsigned>(device.minor)));
  }
  mknod("dev/tty", S_IFCHR | 0666, makedev(5, 0));
  (void)!symlink("/proc/self/fd", "dev/fd");
  (void)!symlink("/proc/self/fd/0", "dev/stdin");
  (void)!symlink("/proc/self/fd/1", "dev/stdout");
  (void)!symlink("/proc/self/fd/2", "dev/stderr");
  (void)!symlink("pts/ptmx", "dev/ptmx");
}

void Masks() {
  for (const char* path : {"proc/acpi", "proc/asound", "proc/scsi", "sys/firmware"}) {
    mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=0k");
  }
  for (const char* path : {"proc/kcore", "proc/keys", "proc/latency_stats", "proc/timer_list",
                           "proc/timer_stats", "proc/sched_debug"}) {
    mount("/dev/null", path, nullptr, MS_BIND, nullptr);
  }
  for (const char* path : {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"}) {
    mount(path, path, nullptr, MS_BIND | MS_REC, nullptr);
    mount(nullptr, path, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr);
  }
}

void Credentials() {
  constexpr unsigned kKept = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
  const rlimit files = {1024, 1024};
  setrlimit(RLIMIT_NOFILE, &files);
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if (capability > 31 || (kKept >> capability & 1) == 0) prctl(PR_CAPBSET_DROP, capability);
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct data[2] = {{kKept, kKept, 0}, {0, 0, 0}};
  syscall(SYS_capset, &header, data);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

}  // namespace

int main(int, char** argv) {
  constexpr unsigned long kNamespaces =
      CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
  const long child = syscall(SYS_clone, kNamespaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) {
    Mounts(argv[1]);
    Masks();
    syscall(SYS_pivot_root, ".", ".");
    umount2(".", MNT_DETACH);
    mount(nullptr, "/", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr);
    (void)!sethostname("bench", 5);
    Credentials();
    char* const arguments[] = {const_cast<char*>("true"), nullptr};
    char* const environment[] = {nullptr};
    execve("/bin/true", arguments, environment);
    _exit(127);
  }
  int status = 1;
  waitpid(static_cast<pid_t>(child), &status, 0);
  return WEXITSTATUS(status);
}
