// Prints the rows of syscall_table.inc: what libseccomp knows, and the calls that are newer than
// Debian 12's libseccomp 2.5.4.

#include <seccomp.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace {

// In the order of tiny::security::Arch.
constexpr uint32_t kArches[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64, SCMP_ARCH_ARM};
constexpr int kArchCount = 4;
using Numbers = std::array<int, kArchCount>;

constexpr int kHighestNumber = 511;
constexpr int kArmPrivate = 0xf0001;  // breakpoint, cacheflush, usr26, usr32, set_tls
constexpr int kArmPrivateCount = 5;

// Since Linux 5.1 a new call has one number everywhere.
constexpr struct {
  const char* name;
  int number;
} kNewer[] = {
    {"process_mrelease", 448},  {"futex_waitv", 449},      {"set_mempolicy_home_node", 450},
    {"cachestat", 451},         {"fchmodat2", 452},        {"map_shadow_stack", 453},
    {"futex_wake", 454},        {"futex_wait", 455},       {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},        {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},       {"listxattrat", 465},
    {"removexattrat", 466},     {"open_tree_attr", 467},   {"file_getattr", 468},
    {"file_setattr", 469},      {"listns", 470},
};

void Add(std::map<std::string, Numbers>& table, int arch, int number) {
  char* name = seccomp_syscall_resolve_num_arch(kArches[arch], number);
  if (name == nullptr) return;
  table.try_emplace(name, Numbers{-1, -1, -1, -1}).first->second[arch] = number;
  free(name);
}

}  // namespace

int main() {
  std::map<std::string, Numbers> table;
  for (int arch = 0; arch < kArchCount; ++arch) {
    for (int number = 0; number <= kHighestNumber; ++number) Add(table, arch, number);
  }
  for (int i = 0; i < kArmPrivateCount; ++i) Add(table, 3, kArmPrivate + i);
  for (const auto& call : kNewer) {
    table[call.name] = {call.number, call.number, call.number, call.number};
  }
  table["uretprobe"] = {335, -1, -1, -1};
  table["uprobe"] = {336, -1, -1, -1};
  for (const auto& [name, numbers] : table) {
    std::printf("{\"%s\", {%d, %d, %d, %d}},\n", name.c_str(), numbers[0], numbers[1], numbers[2],
                numbers[3]);
  }
}
