// A Spec as the text of a config.json.
#ifndef TINY_OCI_SPEC_SERIALIZER_H_
#define TINY_OCI_SPEC_SERIALIZER_H_

#include <string>

#include "oci/spec.h"

namespace tiny::oci {

// ParseSpec gives the same spec back. Absent and empty values are left out. Indented by tabs, as
// `runc spec` writes it, where `pretty`. Text that is not UTF-8 gets U+FFFD. Thread-safe.
std::string SerializeSpec(const Spec& spec, bool pretty = false);

}  // namespace tiny::oci

#endif  // TINY_OCI_SPEC_SERIALIZER_H_
