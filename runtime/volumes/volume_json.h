// volume.json, the record of a volume.
#ifndef TINY_RUNTIME_VOLUMES_VOLUME_JSON_H_
#define TINY_RUNTIME_VOLUMES_VOLUME_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/volumes/volume_store.h"

namespace tiny::runtime {

// Name and path are not in it: they are where it lies.
std::string SerializeVolume(const Volume& volume);

// kDataLoss for what is not such a record.
absl::StatusOr<Volume> ParseVolume(absl::string_view text);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_VOLUMES_VOLUME_JSON_H_
