// tiny info and tiny doctor.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/diagnosis.h"
#include "cli/format.h"
#include "cli/version.h"
#include "runtime/host/host_report.h"

namespace tiny::cli {
namespace {

struct InfoFlags {
  std::string format;
};
constexpr Option kInfoOptions[] = {
    {'f', "format", "form", "json, or a template such as {{.KernelVersion}}",
     Set<&InfoFlags::format>},
};
constexpr OptionGroup kInfoGroup = {"", kInfoOptions};
constexpr const OptionGroup* kInfoGroups[] = {&kInfoGroup};

struct Counts {
  int all = 0;
  int running = 0;
  int paused = 0;
  int stopped = 0;

  // What tiny itself takes for them.
  int supervisors = 0;
  uint64_t supervisor_bytes = 0;
  size_t supervisor_descriptors = 0;
};

// Its share of memory (PSS of proc_pid_smaps(5)) and its descriptors.
void AddSupervisor(pid_t pid, Counts& counts) {
  if (pid <= 0) return;
  const std::string folder = absl::StrCat("/proc/", pid);
  const absl::StatusOr<std::string> memory = ReadFile(folder + "/smaps_rollup");
  const absl::StatusOr<std::vector<std::string>> descriptors = ListDirectory(folder + "/fd");
  if (!memory.ok() || !descriptors.ok()) return;
  ++counts.supervisors;
  counts.supervisor_descriptors += descriptors->size();
  for (absl::string_view line : absl::StrSplit(*memory, '\n')) {
    uint64_t kilobytes = 0;
    if (absl::ConsumePrefix(&line, "Pss:") && absl::ConsumeSuffix(&line, "kB") &&
        absl::SimpleAtoi(line, &kilobytes)) {
      counts.supervisor_bytes += kilobytes << 10;
    }
  }
}

std::string OwnCost(const Counts& counts) {
  return absl::StrCat(counts.supervisors,
                      counts.supervisors == 1 ? " supervisor, " : " supervisors, ",
                      FormatBinaryBytes(counts.supervisor_bytes), ", ",
                      counts.supervisor_descriptors, " descriptors");
}

// What cannot be read is not counted: info is for machines where something is wrong, too.
Counts CountContainers(Context& context) {
  Counts counts;
  const absl::StatusOr<runtime::Engine*> engine = context.Engine();
  if (!engine.ok()) return counts;
  const absl::StatusOr<std::vector<runtime::Container>> all = (*engine)->List(nullptr);
  if (!all.ok()) return counts;
  for (const runtime::Container& container : *all) {
    ++counts.all;
    AddSupervisor(container.state.supervisor.pid, counts);
    switch (container.state.status) {
      case state::Status::kRunning:
      case state::Status::kRestarting:
        ++counts.running;
        break;
      case state::Status::kPaused:
        ++counts.paused;
        break;
      default:
        ++counts.stopped;
    }
  }
  return counts;
}

std::vector<std::string> Warnings(const runtime::HostReport& host) {
  std::vector<std::string> warnings;
  for (const runtime::HostCheck& check : host.checks) {
    if (check.level == runtime::HostCheck::Level::kOk) continue;
    warnings.push_back(absl::StrCat(check.fact, ": ", check.consequence));
  }
  return warnings;
}

Value InfoValue(const Context& context, const runtime::HostReport& host, const Counts& counts) {
  return Value::Object({{"Name", host.hostname},
                        {"ServerVersion", kVersion},
                        {"Containers", counts.all},
                        {"ContainersRunning", counts.running},
                        {"ContainersPaused", counts.paused},
                        {"ContainersStopped", counts.stopped},
                        {"Supervisors", counts.supervisors},
                        {"SupervisorMemory", counts.supervisor_bytes},
                        {"SupervisorDescriptors", counts.supervisor_descriptors},
                        {"Driver", "overlay"},
                        {"LoggingDriver", "k8s-file"},
                        {"CgroupVersion", host.cgroup_mode == "v2" ? "2" : "1"},
                        {"CgroupMode", host.cgroup_mode},
                        {"CgroupControllers", Value(host.cgroup_controllers)},
                        {"SecurityOptions", Value(host.security)},
                        {"KernelVersion", host.kernel},
                        {"OperatingSystem", host.operating_system},
                        {"OSType", "linux"},
                        {"Architecture", host.machine},
                        {"NCPU", host.cpus},
                        {"MemTotal", host.memory_bytes},
                        {"DockerRootDir", context.options.root},
                        {"RootDir", context.options.root},
                        {"RunRootDir", context.options.run_root},
                        {"Warnings", Value(Warnings(host))}});
}

absl::StatusOr<int> RunInfo(Context& context, InfoFlags& flags, Arguments) {
  const runtime::HostReport host = runtime::InspectHost({});
  const Counts counts = CountContainers(context);
  if (!flags.format.empty()) {
    ASSIGN_OR_RETURN(const std::string text,
                     FormatValue(flags.format, InfoValue(context, host, counts)));
    PrintText(context.out, text);
    context.out.Write("\n");
    return 0;
  }
  Output& out = context.out;
  out.Print("tiny:              ", kVersion, "\n");
  out.Print("Containers:        ", counts.all, " (", counts.running, " running, ", counts.paused,
            " paused, ", counts.stopped, " stopped)\n");
  if (counts.supervisors > 0) out.Print("Own cost:          ", OwnCost(counts), "\n");
  out.Print("Host:              ", host.hostname, "\n");
  out.Print("Operating system:  ", host.operating_system, "\n");
  out.Print("Kernel:            ", host.kernel, " (", host.machine, ")\n");
  out.Print("CPUs:              ", host.cpus, "\n");
  out.Print("Memory:            ", FormatBinaryBytes(host.memory_bytes), "\n");
  out.Print("Cgroups:           ", host.cgroup_mode, ": ",
            absl::StrJoin(host.cgroup_controllers, " "), "\n");
  out.Print("Security:          ", absl::StrJoin(host.security, " "), "\n");
  out.Print("Kept in:           ", context.options.root, " and ", context.options.run_root, "\n");
  for (const std::string& warning : Warnings(host)) out.Print("Warning:           ", warning, "\n");
  if (!Warnings(host).empty())
    out.Write("                   (`tiny doctor` says how to mend it)\n");
  return 0;
}

struct DoctorFlags {
  bool json = false;
};
constexpr Option kDoctorOptions[] = {
    {0, "json", "", "Print JSON", Set<&DoctorFlags::json>},
};
constexpr OptionGroup kDoctorGroup = {"", kDoctorOptions};
constexpr const OptionGroup* kDoctorGroups[] = {&kDoctorGroup};

absl::StatusOr<int> RunDoctor(Context& context, DoctorFlags& flags, Arguments) {
  std::vector<DiagnosisLine> lines;
  for (const runtime::HostCheck& check : runtime::InspectHost({}).checks) {
    DiagnosisLine line = {.check = check.name,
                          .fact = check.fact,
                          .consequence = check.consequence,
                          .fix = check.fix};
    line.result = check.level == runtime::HostCheck::Level::kOk     ? DiagnosisLine::kOk
                  : check.level == runtime::HostCheck::Level::kNote ? DiagnosisLine::kNote
                                                                    : DiagnosisLine::kBroken;
    lines.push_back(std::move(line));
  }
  return PrintDiagnosis(context, lines, flags.json);
}

}  // namespace

constinit const Command kInfoCommand = {
    .name = "info",
    .aliases = kInfoAliases,
    .summary = "Describe this machine and what tiny keeps on it",
    .usage = "[OPTIONS]",
    .examples = "tiny info\ntiny info -f '{{.CgroupMode}}'",
    .options = kInfoGroups,
    .max_arguments = 0,
    .run = Run<InfoFlags, RunInfo>,
};

constinit const Command kDoctorCommand = {
    .name = "doctor",
    .summary = "Check what this machine offers to containers, and how to mend what it lacks",
    .usage = "[OPTIONS]",
    .details = "Changes nothing. Exits with 1 where containers cannot work.",
    .examples = "tiny doctor\ntiny network doctor web",
    .options = kDoctorGroups,
    .max_arguments = 0,
    .run = Run<DoctorFlags, RunDoctor>,
};

}  // namespace tiny::cli
