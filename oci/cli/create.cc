#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "oci/cli/command.h"
#include "oci/cli/create_container.h"

namespace tiny::oci {

absl::StatusOr<int> RunCreate(const Globals& globals, Arguments arguments) {
  CreateOptions options;
  Flags flags;
  AddCreateFlags(flags, options);
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, ParseOperands(flags, arguments, 1));
  ASSIGN_OR_RETURN(CreatedContainer container,
                   CreateContainer(globals, options, operands[0], Attachment::kWaiting));
  container.process.Detach();
  // Its memory and descriptors are for the exit of this process to free, all at once.
  static const CreatedContainer* const until_exit = new CreatedContainer(std::move(container));
  (void)until_exit;
  return 0;
}

}  // namespace tiny::oci
