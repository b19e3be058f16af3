// The program that the security tests run in containers: static, without libc++'s streams, so that
// it runs in a root file system that holds nothing else.
#ifndef TINY_E2E_SECURITY_PROBE_H_
#define TINY_E2E_SECURITY_PROBE_H_

namespace tiny::e2e {

// Each returns the exit code; its arguments are what follows its name.
using ProbeCommand = int (*)(int argc, char** argv);

// For every number below 600: "x64 NUMBER allowed|EPERM|ENOSYS|other errno", then "i386 ..." by
// int 0x80 with all arguments zero.
int ProbeSyscalls(int argc, char** argv);

// Each file of procfs and sysfs below the folders that takes writes.
int ProbeWritable(int argc, char** argv);
// "NUMBER KIND" for each descriptor of the process of that pid.
int ProbeDescriptors(int argc, char** argv);
// "TARGET TYPE FLAGS MODE" for each mount.
int ProbeMounts(int argc, char** argv);

// What a process may do to another one: "exe EACCES", "mem ok", ...
int ProbeProcess(int argc, char** argv);
// Pushes a letter back into the terminals that it can reach: "0 EIO" for each.
int ProbeTerminals(int argc, char** argv);
// Tries what only the host may: mknod, cgroup mounts, sockets. "NAME RESULT" for each.
int ProbeForbidden(int argc, char** argv);
// Looks for the host's key in the session keyring, and reads the one of that number.
int ProbeKeys(int argc, char** argv);
// Until killed: opens every process's exe for writing, and prints "opened" when that succeeded.
int ProbeOverwrite(int argc, char** argv);
// Exchanges two paths until killed.
int ProbeExchange(int argc, char** argv);

// "ok" or the errno's name.
const char* ErrnoName(long result);

}  // namespace tiny::e2e

#endif  // TINY_E2E_SECURITY_PROBE_H_
