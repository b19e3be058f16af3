#include "cli/writable_size.h"

#include <fts.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace tiny::cli {
namespace {

// Of a throw-away root, which is in memory while its container runs: what is used of an overlay's
// file system is what its topmost layer holds.
uint64_t LayerSize(const runtime::Container& container) {
  const pid_t pid = container.state.init.pid;
  if (!container.config.rootfs_overlay || pid <= 0) return 0;
  struct statfs root = {};
  if (statfs(absl::StrCat("/proc/", pid, "/root").c_str(), &root) != 0 ||
      root.f_type != OVERLAYFS_SUPER_MAGIC) {
    return 0;
  }
  return (root.f_blocks - root.f_bfree) * static_cast<uint64_t>(root.f_bsize);
}

}  // namespace

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

uint64_t WritableSize(const Context& context, const runtime::Container& container) {
  return LayerSize(container) +
         DiskUsage(absl::StrCat(context.options.root, "/containers/", container.config.id));
}

}  // namespace tiny::cli
