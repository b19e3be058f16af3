// What the kernel alone costs: a default container by bare system calls, unchecked, without an init
// stub, a log or locks. Its namespaces, cgroup, device rules of version 1, mounts, devices, masks
// and capabilities are those of the bundle that `tiny-oci spec` writes.
//
//   floor run ROOTFS CGROUP             runs /bin/true in it
//   floor filtered ROOTFS CGROUP FILE   the same with a seccomp filter, of the instructions in FILE
//   floor overlay ROOTFS CGROUP         the same on an overlay that keeps changes in memory
//   floor detached ROOTFS CGROUP        the same, and returns when /bin/true has been executed
//   floor create FOLDER ROOTFS CGROUP   all but the execution, and a record of it in FOLDER
//   floor start FOLDER
//   floor delete FOLDER CGROUP
//   floor remove FOLDER                 deletes the record of a container that has ended
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
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
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

namespace {

void Write(const std::string& path, const char* text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  (void)!write(fd, text, strlen(text));
  close(fd);
}

// One directory of version 2, or of version 1 the two that tiny has for a bundle without limits.
class Cgroup {
 public:
  explicit Cgroup(const std::string& name) {
    for (const std::string tree : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
      if (access((tree + "/cgroup.controllers").c_str(), F_OK) == 0) unified_ = tree + name;
    }
    if (!unified_.empty()) return;
    freezer_ = "/sys/fs/cgroup/freezer" + name;
    devices_ = "/sys/fs/cgroup/devices" + name;
  }

  // Makes it, and sets `args` to clone into it.
  void Make(clone_args* args) {
    if (!unified_.empty()) {
      mkdir(unified_.c_str(), 0755);
      args->flags |= CLONE_INTO_CGROUP;
      args->cgroup = static_cast<unsigned long>(open(unified_.c_str(), O_PATH | O_CLOEXEC));
      return;
    }
    mkdir(freezer_.c_str(), 0755);
    mkdir(devices_.c_str(), 0755);
    Write(devices_ + "/devices.deny", "a");
    const int allow = open((devices_ + "/devices.allow").c_str(), O_WRONLY | O_CLOEXEC);
    for (const char* rule : {"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",
                             "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm"}) {
      (void)!write(allow, rule, strlen(rule));
    }
    close(allow);
  }
  void EnterInChild() const {
    if (!unified_.empty()) return;
    Write(freezer_ + "/tasks", "0");
    Write(devices_ + "/tasks", "0");
  }
  void Remove() const {
    for (const std::string& directory : {unified_, freezer_, devices_}) {
      if (!directory.empty()) rmdir(directory.c_str());
    }
  }

 private:
  std::string unified_, freezer_, devices_;
};

// Its changes are kept on a tmpfs of the mount namespace.
void MountOverlay(const char* rootfs) {
  char options[1024];
  mount("tmpfs", "/mnt", "tmpfs", 0, "mode=700");
  for (const char* folder : {"/mnt/upper", "/mnt/work", "/mnt/root"}) mkdir(folder, 0755);
  snprintf(options, sizeof(options), "lowerdir=%s,upperdir=/mnt/upper,workdir=/mnt/work", rootfs);
  mount("overlay", "/mnt/root", "overlay", 0, options);
  (void)!chdir("/mnt/root");
}

void Mounts() {
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

std::vector<sock_filter> ReadFilter(const char* path) {
  std::vector<sock_filter> filter(BPF_MAXINSNS);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t size = read(fd, filter.data(), filter.size() * sizeof(sock_filter));
  filter.resize(size < 0 ? 0 : static_cast<size_t>(size) / sizeof(sock_filter));
  return filter;
}

void InstallFilter(const std::vector<sock_filter>& filter) {
  if (filter.empty()) return;
  const sock_fprog program = {static_cast<unsigned short>(filter.size()),
                              const_cast<sock_filter*>(filter.data())};
  syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

struct Container {
  const char* rootfs;
  bool overlay;
  int ready;  // is closed when the program is executed, or a byte is sent before it waits for `go`
  int go;     // -1, or where a byte says that it may start
  std::vector<sock_filter> filter = {};
};

[[noreturn]] void RunInChild(const Container& container, const Cgroup& cgroup) {
  cgroup.EnterInChild();
  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (container.overlay) {
    MountOverlay(container.rootfs);
  } else {
    mount(container.rootfs, container.rootfs, nullptr, MS_BIND | MS_REC, nullptr);
    (void)!chdir(container.rootfs);
  }
  Mounts();
  Masks();
  syscall(SYS_pivot_root, ".", ".");
  umount2(".", MNT_DETACH);
  if (!container.overlay) mount(nullptr, "/", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr);
  (void)!sethostname("bench", 5);
  Credentials();
  if (container.go >= 0) {
    char byte;
    (void)!write(container.ready, "r", 1);
    (void)!read(container.go, &byte, 1);
  }
  InstallFilter(container.filter);
  char* const arguments[] = {const_cast<char*>("true"), nullptr};
  char* const environment[] = {nullptr};
  execve("/bin/true", arguments, environment);
  _exit(127);
}

pid_t Launch(const Container& container, Cgroup& cgroup) {
  clone_args args = {};
  args.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
  args.exit_signal = SIGCHLD;
  cgroup.Make(&args);
  const long child = syscall(SYS_clone3, &args, sizeof(args));
  if (child == 0) RunInChild(container, cgroup);
  return static_cast<pid_t>(child);
}

int Run(const Container& container, const char* cgroup_name) {
  Cgroup cgroup(cgroup_name);
  const pid_t child = Launch(container, cgroup);
  if (container.ready >= 0) close(container.ready);
  int status = 1;
  waitpid(child, &status, 0);
  cgroup.Remove();
  return WEXITSTATUS(status);
}

// A process of its own waits for the container.
int RunDetached(const char* rootfs, const char* cgroup) {
  int ready[2];
  char byte;
  (void)!pipe2(ready, O_CLOEXEC);
  if (fork() == 0) {
    setsid();
    close(ready[0]);
    _exit(Run({rootfs, true, ready[1], -1}, cgroup));
  }
  close(ready[1]);
  (void)!read(ready[0], &byte, 1);
  return 0;
}

int Create(const char* folder, const char* rootfs, const char* cgroup_name) {
  const std::string go = std::string(folder) + "/go";
  int ready[2];
  char byte, pid[16];
  mkdir(folder, 0700);
  mkfifo(go.c_str(), 0600);
  (void)!pipe2(ready, O_CLOEXEC);
  Cgroup cgroup(cgroup_name);
  snprintf(pid, sizeof(pid), "%d",
           Launch({rootfs, false, ready[1], open(go.c_str(), O_RDWR | O_CLOEXEC)}, cgroup));
  close(ready[1]);
  (void)!read(ready[0], &byte, 1);
  Write(std::string(folder) + "/record", pid);
  return 0;
}

int RemoveFolder(const std::string& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) unlink((folder + name).c_str());
  return rmdir(folder.c_str());
}

int Delete(const std::string& folder, const char* cgroup) {
  char pid[16] = {};
  const int record = open((folder + "/record").c_str(), O_RDONLY | O_CLOEXEC);
  (void)!read(record, pid, sizeof(pid) - 1);
  pollfd ended = {static_cast<int>(syscall(SYS_pidfd_open, atoi(pid), 0)), POLLIN, 0};
  if (ended.fd >= 0) {
    syscall(SYS_pidfd_send_signal, ended.fd, SIGKILL, nullptr, 0);
    poll(&ended, 1, -1);
  }
  Cgroup(cgroup).Remove();
  return RemoveFolder(folder, {"/go", "/record"});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 125;
  const std::string verb = argv[1];
  if (verb == "run") return Run({argv[2], false, -1, -1}, argv[3]);
  if (verb == "filtered") return Run({argv[2], false, -1, -1, ReadFilter(argv[4])}, argv[3]);
  if (verb == "overlay") return Run({argv[2], true, -1, -1}, argv[3]);
  if (verb == "detached") return RunDetached(argv[2], argv[3]);
  if (verb == "create") return Create(argv[2], argv[3], argv[4]);
  if (verb == "delete") return Delete(argv[2], argv[3]);
  if (verb == "remove") {
    return RemoveFolder(argv[2], {"/config.json", "/state.json", "/container.log"});
  }
  Write(std::string(argv[2]) + "/go", "s");  // start
  return 0;
}
