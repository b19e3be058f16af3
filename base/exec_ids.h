// Whom this process was executed as, by its auxiliary vector (getauxval(3)): without a system call.
//
// For programs that do not change their ids: what setuid(2) has changed is not seen.
#ifndef TINY_BASE_EXEC_IDS_H_
#define TINY_BASE_EXEC_IDS_H_

#include <sys/auxv.h>
#include <sys/types.h>

namespace tiny {

inline uid_t ExecUid() { return static_cast<uid_t>(getauxval(AT_EUID)); }

// A setuid or setgid bit was taken.
inline bool ExecChangedIds() {
  return getauxval(AT_UID) != getauxval(AT_EUID) || getauxval(AT_GID) != getauxval(AT_EGID);
}

}  // namespace tiny

#endif  // TINY_BASE_EXEC_IDS_H_
