#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "runtime/engine.h"

namespace tiny::runtime {

absl::StatusOr<std::vector<Container>> Engine::List(std::vector<std::string>* damaged) {
  std::vector<Container> all;
  RETURN_IF_ERROR(Visit(
      Which::kAll, [&](Container& container) { all.push_back(std::move(container)); }, damaged));
  std::stable_sort(all.begin(), all.end(), [](const Container& a, const Container& b) {
    return a.config.created_at > b.config.created_at;
  });
  return all;
}

}  // namespace tiny::runtime
