// What containers and volumes take on the disk.
#ifndef TINY_CLI_WRITABLE_SIZE_H_
#define TINY_CLI_WRITABLE_SIZE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "cli/context.h"
#include "runtime/engine.h"

namespace tiny::cli {

// The bytes of disk under a folder, as du(1) counts them; 0 where there is none. Follows no link
// and stays on one file system.
uint64_t DiskUsage(const std::string& folder);

// What a container has written: its own layer, also where that is in memory, and its log.
uint64_t WritableSize(const Context& context, const runtime::Container& container);

}  // namespace tiny::cli

#endif  // TINY_CLI_WRITABLE_SIZE_H_
