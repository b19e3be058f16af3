#include "oci/cli/known_seccomp.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "oci/spec_parser.h"
#include "oci/spec_validator.h"
#include "runtime/spec/seccomp_policy.h"
#include "security/seccomp/compiler.h"
#include "security/seccomp/program_cache.h"

namespace tiny::oci {
namespace {

constexpr absl::string_view kAbsent = "null";

// The same configuration without a profile; what is on which line stays.
std::string Without(absl::string_view config, absl::string_view profile) {
  std::string rest(config);
  char* const begin = rest.data() + (profile.data() - config.data());
  std::replace_if(
      begin, begin + profile.size(), [](char c) { return c != '\n'; }, ' ');
  std::copy(kAbsent.begin(), kAbsent.end(), begin);
  return rest;
}

absl::StatusOr<Spec> ParseValid(absl::string_view config) {
  ASSIGN_OR_RETURN(Spec spec, ParseSpec(config));
  RETURN_IF_ERROR(ValidateSpec(spec));
  return spec;
}

}  // namespace

absl::StatusOr<Spec> ParseConfig(const Globals& globals, absl::string_view config,
                                 const Glance& glance) {
  const std::string directory = absl::StrCat(globals.root, "/@seccomp");
  const absl::string_view profile = glance.seccomp;
  if (profile.size() < kAbsent.size()) return ParseValid(config);
  std::optional<security::KnownProgram> known = security::FindProgram(profile, directory);
  ASSIGN_OR_RETURN(Spec spec, ParseValid(known ? Without(config, profile) : config));
  if (known) {
    spec.linux_.seccomp.emplace();
  } else {
    if (!spec.linux_.seccomp || !spec.linux_.seccomp->listener_path.empty()) return spec;
    ASSIGN_OR_RETURN(const security::Policy policy, runtime::PolicyFromSpec(*spec.linux_.seccomp));
    known.emplace().flags = policy.flags;
    ASSIGN_OR_RETURN(known->program, security::CompilePolicy(policy));
    security::KeepProgram(profile, *known, directory);
  }
  spec.linux_.seccomp->program = std::move(known->program);
  spec.linux_.seccomp->program_flags = known->flags;
  return spec;
}

}  // namespace tiny::oci
