// Times commands against each other: in each round every subject runs once, in an order that moves
// on from round to round, so that what disturbs the machine disturbs all of them.
//
//   interleave < plan.json > times.json
//
// The plan: {"rounds": 100, "warm_up": 2, "subjects": [{"name": "x", "steps": [...]}, ...]}. A step
// is a command: "argv", and where they differ from the default "timed" (true), "parallel" (1: how
// many at once) and "file" (/dev/null: where the output goes). "%r" in an argument stands for the
// round and "%i" for which of the parallel ones it is.
//
// The times: {"x": {"ns": [...], "each_ns": [...]}}: nanoseconds of all timed steps of a round
// together, from exec to exit, and of each command where more than one runs at once. A command that
// fails ends it all: what did not do its work is not timed.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"

extern char** environ;

namespace tiny::bench {
namespace {

struct Step {
  std::vector<std::string> argv;
  bool timed = true;
  int parallel = 1;
  std::string file = "/dev/null";
};

struct Subject {
  std::string name;
  std::vector<Step> steps;
  std::vector<int64_t> round_ns;
  std::vector<int64_t> each_ns;
};

int64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

// By vfork, so that the size of this process does not count. -1 where it cannot be started.
pid_t Spawn(const Step& step, int round, int index) {
  std::vector<std::string> words;
  for (const std::string& word : step.argv) {
    words.push_back(
        absl::StrReplaceAll(word, {{"%r", absl::StrCat(round)}, {"%i", absl::StrCat(index)}}));
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, step.file.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

// False, with a word on stderr, where one of the step's commands fails.
bool RunStep(Subject& subject, const Step& step, int round, int64_t* total) {
  std::map<pid_t, int64_t> started;
  const int64_t begin = Now();
  bool all_well = true;
  for (int i = 0; i < step.parallel; ++i) {
    const int64_t now = Now();
    const pid_t pid = Spawn(step, round, i);
    if (pid > 0) started[pid] = now;
    all_well = all_well && pid > 0;
  }
  while (!started.empty()) {
    int status;
    const pid_t pid = waitpid(-1, &status, 0);
    if (pid < 0 && errno != EINTR) break;
    const auto entry = started.find(pid);
    if (entry == started.end()) continue;  // a process that a subject has left behind
    if (step.parallel > 1 && round >= 0) subject.each_ns.push_back(Now() - entry->second);
    started.erase(entry);
    all_well = all_well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  if (step.timed) *total += Now() - begin;
  if (!all_well) {
    fprintf(stderr, "interleave: %s, round %d: a command failed: %s\n", subject.name.c_str(), round,
            absl::StrJoin(step.argv, " ").c_str());
  }
  return all_well;
}

bool RunRounds(std::vector<Subject>& subjects, int warm_up, int rounds) {
  for (int round = -warm_up; round < rounds; ++round) {
    for (Subject& subject : subjects) {
      int64_t total = 0;
      for (const Step& step : subject.steps) {
        if (!RunStep(subject, step, round, &total)) return false;
      }
      if (round >= 0) subject.round_ns.push_back(total);
    }
    std::rotate(subjects.begin(), subjects.begin() + 1, subjects.end());
  }
  return true;
}

int Main() {
  const nlohmann::json plan = nlohmann::json::parse(std::cin);
  std::vector<Subject> subjects;
  for (const nlohmann::json& entry : plan.at("subjects")) {
    Subject& subject = subjects.emplace_back();
    subject.name = entry.at("name");
    for (const nlohmann::json& step : entry.at("steps")) {
      subject.steps.push_back({step.at("argv"), step.value("timed", true),
                               step.value("parallel", 1), step.value("file", "/dev/null")});
    }
  }
  if (!RunRounds(subjects, plan.value("warm_up", 0), plan.at("rounds"))) return 1;
  nlohmann::json result;
  for (const Subject& subject : subjects) {
    result[subject.name] = {{"ns", subject.round_ns}, {"each_ns", subject.each_ns}};
  }
  std::cout << result << "\n";
  return 0;
}

}  // namespace
}  // namespace tiny::bench

int main() {
  try {
    return tiny::bench::Main();
  } catch (const std::exception& error) {
    fprintf(stderr, "interleave: the plan: %s\n", error.what());
    return 2;
  }
}
