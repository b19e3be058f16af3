#include "base/units.h"

#include <signal.h>

#include <array>
#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace tiny {
namespace {

std::string FormatBytes(uint64_t bytes, double base, const std::array<const char*, 6>& units) {
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= base && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  return absl::StrFormat("%.4g%s", value, units[unit]);
}

std::string Count(int64_t count, absl::string_view unit) {
  return absl::StrCat(count, " ", unit, count == 1 ? "" : "s");
}

}  // namespace

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  const absl::Status invalid = absl::InvalidArgumentError(absl::StrCat(
      "invalid size \"", text, "\": want a number and an optional unit b, k, m, g, t or p"));
  size_t digits = 0;
  while (digits < text.size() && (absl::ascii_isdigit(text[digits]) || text[digits] == '.'))
    ++digits;
  double number = 0;
  if (digits == 0 || !absl::SimpleAtod(text.substr(0, digits), &number)) return invalid;
  std::string unit = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text.substr(digits)));
  double scale = 1;
  if (!unit.empty() && unit != "b") {
    const absl::string_view letters = "kmgtp";
    const size_t power = letters.find(unit[0]);
    const absl::string_view rest = absl::string_view(unit).substr(1);
    if (power == absl::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib")) {
      return invalid;
    }
    scale = std::pow(1024.0, static_cast<double>(power + 1));
  }
  const double bytes = number * scale;
  if (!(bytes < static_cast<double>(std::numeric_limits<int64_t>::max()))) return invalid;
  return static_cast<int64_t>(bytes);
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(std::string(text), &duration)) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid duration \"", text, "\": want for example 10s, 1m30s or 250ms"));
  }
  return duration;
}

absl::StatusOr<int> ParseSignal(absl::string_view text) {
  const absl::Status invalid =
      absl::InvalidArgumentError(absl::StrCat("invalid signal \"", text, "\""));
  int number = 0;
  if (absl::SimpleAtoi(text, &number)) {
    if (number < 1 || number > 64) return invalid;
    return number;
  }
  const std::string upper = absl::AsciiStrToUpper(text);
  absl::string_view name = absl::StripPrefix(upper, "SIG");
  for (int signal = 1; signal < 32; ++signal) {
    const char* known = sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  if (name == "IOT") return SIGABRT;
  if (name == "CLD") return SIGCHLD;
  if (name == "IO") return SIGIO;  // which is POLL, too
  int offset = 0;
  if (absl::ConsumePrefix(&name, "RTMIN")) {
    if (name.empty()) return SIGRTMIN;
    if (name[0] == '+' && absl::SimpleAtoi(name.substr(1), &offset) && offset >= 0 &&
        SIGRTMIN + offset <= SIGRTMAX) {
      return SIGRTMIN + offset;
    }
  } else if (absl::ConsumePrefix(&name, "RTMAX")) {
    if (name.empty()) return SIGRTMAX;
    if (name[0] == '-' && absl::SimpleAtoi(name.substr(1), &offset) && offset >= 0 &&
        SIGRTMAX - offset >= SIGRTMIN) {
      return SIGRTMAX - offset;
    }
  }
  return invalid;
}

std::string SignalName(int signal) {
  const char* name = signal >= 1 && signal < 32 ? sigabbrev_np(signal) : nullptr;
  if (name != nullptr) return absl::StrCat("SIG", name);
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    return signal == SIGRTMIN ? "SIGRTMIN" : absl::StrCat("SIGRTMIN+", signal - SIGRTMIN);
  }
  return absl::StrCat(signal);
}

std::string FormatBinaryBytes(uint64_t bytes) {
  return FormatBytes(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
}

std::string FormatDecimalBytes(uint64_t bytes) {
  return FormatBytes(bytes, 1000, {"B", "kB", "MB", "GB", "TB", "PB"});
}

std::string FormatRoughDuration(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < 1) return "Less than a second";
  if (seconds < 60) return Count(seconds, "second");
  const int64_t minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return Count(minutes, "minute");
  const int64_t hours = static_cast<int64_t>(std::lround(absl::ToDoubleHours(duration)));
  if (hours == 1) return "About an hour";
  if (hours < 48) return Count(hours, "hour");
  if (hours < 24 * 7 * 2) return Count(hours / 24, "day");
  if (hours < 24 * 30 * 2) return Count(hours / 24 / 7, "week");
  if (hours < 24 * 365 * 2) return Count(hours / 24 / 30, "month");
  return Count(hours / 24 / 365, "year");
}

}  // namespace tiny
