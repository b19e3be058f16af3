#include "runtime/host/kernel_features.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/files.h"

namespace tiny::runtime {
namespace {

constexpr size_t kMaxSymbols = size_t{64} << 20;

}  // namespace

KernelFeatures::KernelFeatures(const HostPaths& paths, absl::string_view release) : paths_(paths) {
  const std::string folder = absl::StrCat(paths.modules, "/", release);
  builtin_ = ReadFile(folder + "/modules.builtin").value_or("");
  loadable_ = ReadFile(folder + "/modules.dep").value_or("");
}

Presence KernelFeatures::Find(absl::string_view module, absl::string_view symbol) {
  if (PathExists(absl::StrCat(paths_.sys, "/module/", module)) || ListsModule(builtin_, module)) {
    return Presence::kPresent;
  }
  if (ListsModule(loadable_, module)) return Presence::kLoadable;
  return HasSymbol(symbol) ? Presence::kPresent : Presence::kAbsent;
}

bool KernelFeatures::HasSymbol(absl::string_view symbol) {
  if (!symbols_read_) {
    symbols_read_ = true;
    symbols_ = ReadFile(paths_.proc + "/kallsyms", kMaxSymbols).value_or("");
  }
  // Lines are "ffffffff81000000 T name" or "... name\t[module]".
  return absl::StrContains(symbols_, absl::StrCat(" ", symbol, "\n")) ||
         absl::StrContains(symbols_, absl::StrCat(" ", symbol, "\t"));
}

bool ListsModule(absl::string_view list, absl::string_view module) {
  const std::string wanted = absl::StrReplaceAll(module, {{"-", "_"}});
  for (absl::string_view line : absl::StrSplit(list, '\n')) {
    line = line.substr(0, line.find(':'));
    absl::string_view name = line.substr(line.rfind('/') + 1);
    name = name.substr(0, name.find(".ko"));
    if (name.size() == wanted.size() && absl::StrReplaceAll(name, {{"-", "_"}}) == wanted) {
      return true;
    }
  }
  return false;
}

KernelVersion ParseKernelVersion(absl::string_view release) {
  const std::vector<absl::string_view> parts = absl::StrSplit(release, absl::ByAnyChar(".-+"));
  KernelVersion version;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &version.major) ||
      !absl::SimpleAtoi(parts[1], &version.minor)) {
    return {};
  }
  return version;
}

}  // namespace tiny::runtime
