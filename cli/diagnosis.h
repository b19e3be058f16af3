// What the doctors print: checks one by one, and what mends what is broken.
#ifndef TINY_CLI_DIAGNOSIS_H_
#define TINY_CLI_DIAGNOSIS_H_

#include <string>
#include <vector>

#include "cli/context.h"

namespace tiny::cli {

struct DiagnosisLine {
  enum Result { kOk, kNote, kBroken, kSkipped };
  std::string check;
  Result result = kOk;
  std::string fact;
  std::string consequence;  // what does not work because of it
  std::string fix;
};

// The exit code: 1 where something is broken.
int PrintDiagnosis(Context& context, const std::vector<DiagnosisLine>& lines, bool json);

}  // namespace tiny::cli

#endif  // TINY_CLI_DIAGNOSIS_H_
