// What `events` prints of a container: the statistics of runc 1.1, names and units, as engines
// parse them. What the cgroup's version does not count is left out, or 0 where runc has 0.
//
// Source: runc's types/events.go.
#ifndef TINY_OCI_CLI_STATS_JSON_H_
#define TINY_OCI_CLI_STATS_JSON_H_

#include <sys/types.h>

#include <string>

#include "cgroup/hierarchy.h"
#include "cgroup/stats.h"
#include "nlohmann/json.hpp"

namespace tiny::oci {

// Of the cgroup of that path; `stats` are what it has used, also where no controller counts it.
// `init` is the container's first process.
nlohmann::ordered_json StatsJson(const cgroup::Hierarchy& hierarchy, const std::string& cgroup_path,
                                 const cgroup::Stats& stats, pid_t init);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_STATS_JSON_H_
