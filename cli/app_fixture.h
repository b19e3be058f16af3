// Runs whole command lines against a fake engine.
#ifndef TINY_CLI_APP_FIXTURE_H_
#define TINY_CLI_APP_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "cli/app.h"
#include "cli/fake_engine.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/temp_dir.h"

namespace tiny::cli {

class AppTest : public ::testing::Test {
 protected:
  struct Result {
    int code;
    std::string out;
    std::string err;
  };

  // The words of the line are split at blanks; those in `more` are taken whole.
  Result Tiny(absl::string_view line, std::vector<absl::string_view> more = {}) {
    current_ = &host_;
    Output out(-1);
    Output err(-1);
    Context context = {
        .out = out,
        .err = err,
        .open_engine =
            [](const runtime::EngineOptions&) -> absl::StatusOr<std::unique_ptr<runtime::Engine>> {
          return std::make_unique<FakeEngine>(current_);
        },
        .start_error_code =
            [](const absl::Status& status) { return absl::IsNotFound(status) ? 127 : 125; },
        .exec_error_code = [](const absl::Status&) { return 1; }};
    std::vector<absl::string_view> words;
    for (const absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
      words.push_back(word);
    }
    words.insert(words.end(), more.begin(), more.end());
    setenv("TINY_ROOT", folder_.path().c_str(), 1);
    const int code = RunApp(context, words);
    return {code, out.text(), err.text()};
  }

  // A container called `name` that runs.
  runtime::Container& AddContainer(const std::string& name,
                                   state::Status status = state::Status::kRunning) {
    runtime::Container container;
    container.config.id = std::string(60, 'b') + absl::StrCat(1000 + host_.containers.size());
    container.config.name = name;
    container.config.image = "/srv/rootfs";
    container.config.command = {"sh", "-c", "while true; do sleep 1; done"};
    container.config.created_at = absl::Now() - absl::Hours(3);
    container.state.status = status;
    container.state.started_at = absl::Now() - absl::Minutes(5);
    container.state.finished_at = absl::Now() - absl::Minutes(2);
    host_.containers.push_back(container);
    return host_.containers.back();
  }

  FakeHost host_;
  ::tiny::testing::TempDir folder_;

 private:
  static inline FakeHost* current_ = nullptr;
};

}  // namespace tiny::cli

#endif  // TINY_CLI_APP_FIXTURE_H_
