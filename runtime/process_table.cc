#include "runtime/process_table.h"

#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

struct Column {
  const char* name;
  const char* title;
};
constexpr Column kColumns[] = {
    {"uid", "UID"},         {"user", "USER"},     {"pid", "PID"},   {"ppid", "PPID"},
    {"pgid", "PGID"},       {"sid", "SID"},       {"gid", "GID"},   {"c", "C"},
    {"stime", "STIME"},     {"start", "START"},   {"tty", "TTY"},   {"tt", "TT"},
    {"time", "TIME"},       {"etime", "ELAPSED"}, {"cmd", "CMD"},   {"args", "COMMAND"},
    {"command", "COMMAND"}, {"comm", "COMMAND"},  {"%cpu", "%CPU"}, {"pcpu", "%CPU"},
    {"%mem", "%MEM"},       {"pmem", "%MEM"},     {"vsz", "VSZ"},   {"rss", "RSS"},
    {"stat", "STAT"},       {"state", "S"},       {"s", "S"},       {"ni", "NI"},
    {"nice", "NI"},         {"pri", "PRI"},       {"nlwp", "NLWP"}, {"thcount", "THCNT"},
};

std::string Clock(int64_t seconds) {
  return absl::StrFormat("%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string TtyName(int device) {
  if (device == 0) return "?";
  const unsigned number = static_cast<unsigned>(device);
  // Unix 98 terminals have the majors 136 to 143.
  if (major(number) >= 136 && major(number) <= 143) {
    return absl::StrCat("pts/", (major(number) - 136) * 256 + minor(number));
  }
  if (major(number) == 4 && minor(number) < 64) return absl::StrCat("tty", minor(number));
  return absl::StrCat(major(number), ":", minor(number));
}

}  // namespace

std::string ProcessTitle(absl::string_view column) {
  for (const Column& known : kColumns) {
    if (column == known.name) return known.title;
  }
  return "";
}

absl::StatusOr<std::vector<std::string>> ParsePsOptions(const std::vector<std::string>& options) {
  std::vector<std::string> columns;
  for (size_t i = 0; i < options.size(); ++i) {
    absl::string_view option = options[i];
    if (option == "-e" || option == "-A") continue;
    if (option == "ax" || option == "-ax" || option == "x" || option == "-x") {
      columns = {"pid", "tty", "stat", "time", "command"};
      continue;
    }
    if (option == "-ef" || option == "-f" || option == "ef") {
      columns = {"uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"};
    } else if (option == "aux" || option == "-aux" || option == "u") {
      columns = {"user", "pid",  "%cpu",  "%mem", "vsz", "rss",
                 "tty",  "stat", "start", "time", "cmd"};
    } else if (absl::ConsumePrefix(&option, "-eo") || absl::ConsumePrefix(&option, "-o") ||
               absl::ConsumePrefix(&option, "o")) {
      if (option.empty() && i + 1 < options.size()) option = options[++i];
      for (absl::string_view name :
           absl::StrSplit(option, absl::ByAnyChar(", "), absl::SkipEmpty())) {
        if (ProcessTitle(name).empty()) {
          return absl::InvalidArgumentError(absl::StrCat("ps: unknown column \"", name, "\""));
        }
        columns.emplace_back(name);
      }
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "ps: \"", option, "\" is not supported: want -ef, ax, aux or -o pid,comm,..."));
    }
  }
  if (columns.empty()) columns = {"uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"};
  return columns;
}

absl::StatusOr<ProcessRow> ParseProcessRow(absl::string_view stat) {
  const absl::Status malformed = absl::InvalidArgumentError("malformed /proc/PID/stat");
  const size_t open = stat.find('(');
  const size_t close = stat.rfind(')');
  if (open == absl::string_view::npos || close == absl::string_view::npos || close < open) {
    return malformed;
  }
  ProcessRow row;
  row.comm = std::string(stat.substr(open + 1, close - open - 1));
  // fields[0] is field 3 of proc_pid_stat(5).
  const std::vector<absl::string_view> fields =
      absl::StrSplit(stat.substr(close + 1), absl::ByAnyChar(" \n"), absl::SkipEmpty());
  uint64_t user = 0;
  uint64_t system = 0;
  if (fields.size() < 22 || !absl::SimpleAtoi(stat.substr(0, open), &row.pid) ||
      fields[0].size() != 1 || !absl::SimpleAtoi(fields[1], &row.ppid) ||
      !absl::SimpleAtoi(fields[2], &row.pgid) || !absl::SimpleAtoi(fields[3], &row.sid) ||
      !absl::SimpleAtoi(fields[4], &row.tty) || !absl::SimpleAtoi(fields[11], &user) ||
      !absl::SimpleAtoi(fields[12], &system) || !absl::SimpleAtoi(fields[15], &row.priority) ||
      !absl::SimpleAtoi(fields[16], &row.nice) || !absl::SimpleAtoi(fields[17], &row.threads) ||
      !absl::SimpleAtoi(fields[19], &row.start_ticks) ||
      !absl::SimpleAtoi(fields[20], &row.vsize) || !absl::SimpleAtoi(fields[21], &row.rss_pages)) {
    return malformed;
  }
  row.state = fields[0][0];
  row.cpu_ticks = user + system;
  return row;
}

std::string ProcessColumn(absl::string_view column, const ProcessRow& row,
                          const ProcessTableContext& context) {
  const absl::Duration ran = absl::Seconds(row.cpu_ticks) / context.ticks_per_second;
  const absl::Duration age =
      context.uptime - absl::Seconds(row.start_ticks) / context.ticks_per_second;
  const double cpu = age > absl::ZeroDuration() ? 100 * absl::FDivDuration(ran, age) : 0;
  const uint64_t rss = row.rss_pages * static_cast<uint64_t>(context.page_size);
  if (column == "pid") return absl::StrCat(row.pid);
  if (column == "ppid") return absl::StrCat(row.ppid);
  if (column == "pgid") return absl::StrCat(row.pgid);
  if (column == "sid") return absl::StrCat(row.sid);
  if (column == "uid" || column == "user") return row.uid == 0 ? "root" : absl::StrCat(row.uid);
  if (column == "gid") return absl::StrCat(row.gid);
  if (column == "c") return absl::StrCat(static_cast<int>(cpu));
  if (column == "%cpu" || column == "pcpu") return absl::StrFormat("%.1f", cpu);
  if (column == "%mem" || column == "pmem") {
    return absl::StrFormat(
        "%.1f", 100.0 * static_cast<double>(rss) / static_cast<double>(context.memory_total));
  }
  if (column == "stime" || column == "start") {
    const char* format = age < absl::Hours(24) ? "%H:%M" : "%b%d";
    return absl::FormatTime(format, context.now - age, absl::UTCTimeZone());
  }
  if (column == "tty" || column == "tt") return TtyName(row.tty);
  if (column == "time") return Clock(absl::ToInt64Seconds(ran));
  if (column == "etime") return Clock(absl::ToInt64Seconds(age));
  if (column == "cmd" || column == "args" || column == "command") {
    return row.command_line.empty() ? absl::StrCat("[", row.comm, "]") : row.command_line;
  }
  if (column == "comm") return row.comm;
  if (column == "vsz") return absl::StrCat(row.vsize / 1024);
  if (column == "rss") return absl::StrCat(rss / 1024);
  if (column == "stat" || column == "state" || column == "s") return std::string(1, row.state);
  if (column == "ni" || column == "nice") return absl::StrCat(row.nice);
  if (column == "pri") return absl::StrCat(39 - row.priority);
  if (column == "nlwp" || column == "thcount") return absl::StrCat(row.threads);
  return "";
}

absl::StatusOr<ProcessTable> ReadProcessTable(const std::vector<pid_t>& pids,
                                              const std::vector<std::string>& columns) {
  ProcessTableContext context;
  context.now = absl::Now();
  timespec uptime;
  clock_gettime(CLOCK_BOOTTIME, &uptime);
  context.uptime = absl::DurationFromTimespec(uptime);
  context.ticks_per_second = sysconf(_SC_CLK_TCK);
  context.page_size = sysconf(_SC_PAGESIZE);
  struct sysinfo machine;
  if (sysinfo(&machine) == 0) context.memory_total = machine.totalram * machine.mem_unit;
  ProcessTable table;
  for (const std::string& column : columns) table.titles.push_back(ProcessTitle(column));
  for (const pid_t pid : pids) {
    const std::string folder = absl::StrCat("/proc/", pid);
    const absl::StatusOr<std::string> stat_text = ReadFile(folder + "/stat", 4096);
    if (!stat_text.ok()) continue;
    ASSIGN_OR_RETURN(ProcessRow row, ParseProcessRow(*stat_text));
    struct stat owner;
    if (stat(folder.c_str(), &owner) == 0) {
      row.uid = owner.st_uid;
      row.gid = owner.st_gid;
    }
    row.command_line = ReadFile(folder + "/cmdline").value_or("");
    while (!row.command_line.empty() && row.command_line.back() == '\0')
      row.command_line.pop_back();
    std::replace(row.command_line.begin(), row.command_line.end(), '\0', ' ');
    std::vector<std::string> cells;
    for (const std::string& column : columns) cells.push_back(ProcessColumn(column, row, context));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace tiny::runtime
