#include "security/seccomp/program_cache.h"

#include <fcntl.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace tiny::security {
namespace {

// Changes with the compiler's output and with the form of the file.
constexpr uint64_t kVersion = 1;
constexpr char kMagic[8] = {'t', 'i', 'n', 'y', 'b', 'p', 'f', '1'};

// A file is this, the policy's canonical text, and the instructions.
struct Header {
  char magic[8];
  uint64_t policy_size;
  uint64_t program_hash;
};

// FNV-1a. Guards against damage and spreads the names; the whole policy is compared besides.
uint64_t Hash(absl::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

void AppendNumber(std::string& out, uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

// Equal for policies that compile alike, different for those that don't.
std::string CanonicalText(const Policy& policy) {
  std::string out;
  AppendNumber(out, kVersion);
  AppendNumber(out, policy.default_action);
  AppendNumber(out, policy.newer_is_enosys ? 1 : 0);
  AppendNumber(out, policy.architectures.size());
  for (const Arch arch : policy.architectures) AppendNumber(out, static_cast<uint64_t>(arch));
  for (const Rule& rule : policy.rules) {
    AppendNumber(out, rule.action);
    AppendNumber(out, rule.arguments.size());
    for (const ArgumentCheck& check : rule.arguments) {
      AppendNumber(out, check.index);
      AppendNumber(out, static_cast<uint64_t>(check.op));
      AppendNumber(out, check.value);
      AppendNumber(out, check.value_two);
    }
    AppendNumber(out, rule.syscalls.size());
    for (const std::string& name : rule.syscalls) absl::StrAppend(&out, name, "\n");
  }
  return out;
}

absl::string_view Bytes(const Program& program) {
  return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

// Nothing where the file is not a whole and undamaged one for this policy.
std::optional<Program> Decode(absl::string_view file, absl::string_view policy) {
  Header header;
  if (file.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, file.data(), sizeof(header));
  file.remove_prefix(sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) return std::nullopt;
  if (header.policy_size != policy.size() || file.substr(0, policy.size()) != policy) {
    return std::nullopt;
  }
  file.remove_prefix(policy.size());
  if (file.empty() || file.size() % sizeof(sock_filter) != 0) return std::nullopt;
  if (file.size() / sizeof(sock_filter) > BPF_MAXINSNS) return std::nullopt;
  if (Hash(file) != header.program_hash) return std::nullopt;
  Program program(file.size() / sizeof(sock_filter));
  std::memcpy(program.data(), file.data(), file.size());
  return program;
}

std::string Encode(const Program& program, absl::string_view policy) {
  Header header;
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.policy_size = policy.size();
  header.program_hash = Hash(Bytes(program));
  return absl::StrCat(absl::string_view(reinterpret_cast<const char*>(&header), sizeof(header)),
                      policy, Bytes(program));
}

}  // namespace

absl::StatusOr<Program> CompilePolicyCached(const Policy& policy, absl::string_view directory) {
  const std::string text = CanonicalText(policy);
  const std::string name = absl::StrFormat("%016x.bpf", Hash(text));
  if (const auto file = ReadFile(absl::StrCat(directory, "/", name)); file.ok()) {
    if (std::optional<Program> program = Decode(*file, text)) return *std::move(program);
  }
  ASSIGN_OR_RETURN(Program program, CompilePolicy(policy));
  // Not kept is no harm: the next one compiles again.
  if (MakeDirs(directory, 0700).ok()) {
    const auto opened = OpenFile(directory, O_PATH | O_DIRECTORY);
    if (opened.ok()) {
      ReplaceFileAtomically(opened->get(), name, Encode(program, text), 0600, /*sync=*/false)
          .IgnoreError();
    }
  }
  return program;
}

}  // namespace tiny::security
