// --format templates: docker's {{.Field}} language over a Value.
//
//   ASSIGN_OR_RETURN(Template format, Template::Parse("{{.ID}} {{json .Labels}}"));
//   ASSIGN_OR_RETURN(std::string line, format.Execute(row));
//
// Errors are kInvalidArgument and name the place: "template: no field Foo at column 4".
// Thread-safe once parsed.
#ifndef TINY_CLI_TEMPLATE_TEMPLATE_H_
#define TINY_CLI_TEMPLATE_TEMPLATE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/template/ast.h"
#include "cli/template/value.h"

namespace tiny::cli {

class Template {
 public:
  static absl::StatusOr<Template> Parse(absl::string_view text);

  // At most 16 MiB of output.
  absl::StatusOr<std::string> Execute(const Value& root) const;

 private:
  explicit Template(std::vector<Node> nodes) : nodes_(std::move(nodes)) {}
  std::vector<Node> nodes_;
};

}  // namespace tiny::cli

#endif  // TINY_CLI_TEMPLATE_TEMPLATE_H_
