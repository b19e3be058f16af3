#include "cli/writable_size.h"

#include <fts.h>
#include <sys/stat.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace tiny::cli {

uint64_t DiskUsage(const std::string& folder) {
  std::string path = folder;
  char* paths[] = {path.data(), nullptr};
  const std::unique_ptr<FTS, int (*)(FTS*)> tree(
      fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr), fts_close);
  if (tree == nullptr) return 0;
  uint64_t bytes = 0;
  while (const FTSENT* entry = fts_read(tree.get())) {
    if (entry->fts_info == FTS_DP || entry->fts_info == FTS_NS || entry->fts_info == FTS_ERR) {
      continue;
    }
    if (entry->fts_statp != nullptr) {
      bytes += static_cast<uint64_t>(entry->fts_statp->st_blocks) * 512;
    }
  }
  return bytes;
}

uint64_t WritableSize(const Context& context, const state::ContainerConfig& config) {
  return DiskUsage(absl::StrCat(context.options.root, "/containers/", config.id));
}

}  // namespace tiny::cli
