#include "cgroup/systemd/properties.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace tiny::systemd {
namespace {

constexpr uint64_t kInfinity = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMicrosecondsPerSecond = 1000000;
constexpr uint64_t kQuotaStep = 10000;  // one percent of a cpu, of which systemd counts whole ones
constexpr uint64_t kUsualPeriod = 100000;
constexpr int kMaxCpu = 8191;

uint64_t Limit(int64_t value) { return value < 0 ? kInfinity : static_cast<uint64_t>(value); }

class Properties {
 public:
  void Add(absl::string_view name, uint64_t value) { out_.push_back({std::string(name), value}); }
  void Add(absl::string_view name, CpuMask mask) {
    out_.push_back({std::string(name), std::move(mask)});
  }
  void AddLimit(absl::string_view name, const std::optional<int64_t>& value) {
    if (value.has_value()) Add(name, Limit(*value));
  }
  std::vector<Property> Take() { return std::move(out_); }

 private:
  std::vector<Property> out_;
};

void AddQuota(int64_t quota, uint64_t period, Properties& out) {
  out.Add("CPUQuotaPeriodUSec", period);
  if (quota < 0 || period == 0) return out.Add("CPUQuotaPerSecUSec", kInfinity);
  const uint64_t per_second = static_cast<uint64_t>(quota) * kMicrosecondsPerSecond / period;
  out.Add("CPUQuotaPerSecUSec", (per_second + kQuotaStep - 1) / kQuotaStep * kQuotaStep);
}

// "0-2,5"
absl::StatusOr<CpuMask> ParseMask(absl::string_view list) {
  CpuMask mask;
  for (const absl::string_view range : absl::StrSplit(list, ',')) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(range, absl::MaxSplits('-', 1));
    int first = 0;
    int last = 0;
    if (!absl::SimpleAtoi(ends.first, &first) ||
        !absl::SimpleAtoi(ends.second.empty() ? ends.first : ends.second, &last) || first < 0 ||
        last < first || last > kMaxCpu) {
      return absl::InvalidArgumentError(absl::StrCat("\"", list, "\" is no list of numbers"));
    }
    if (mask.bytes.size() <= static_cast<size_t>(last) / 8) mask.bytes.resize(last / 8 + 1);
    for (int cpu = first; cpu <= last; ++cpu) {
      char& byte = mask.bytes[cpu / 8];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | 1U << (cpu % 8));
    }
  }
  return mask;
}

absl::Status AddCpuSets(const cgroup::Resources& r, Properties& out) {
  if (!r.cpuset_cpus.empty()) {
    ASSIGN_OR_RETURN(CpuMask mask, ParseMask(r.cpuset_cpus));
    out.Add("AllowedCPUs", std::move(mask));
  }
  if (!r.cpuset_mems.empty()) {
    ASSIGN_OR_RETURN(CpuMask mask, ParseMask(r.cpuset_mems));
    out.Add("AllowedMemoryNodes", std::move(mask));
  }
  return absl::OkStatus();
}

// A file of linux.resources.unified that systemd has a property for.
absl::Status AddUnified(absl::string_view file, absl::string_view value, Properties& out) {
  constexpr std::pair<absl::string_view, absl::string_view> kPlain[] = {
      {"memory.min", "MemoryMin"},   {"memory.low", "MemoryLow"},
      {"memory.high", "MemoryHigh"}, {"memory.max", "MemoryMax"},
      {"pids.max", "TasksMax"},      {"memory.swap.max", "MemorySwapMax"},
      {"cpu.weight", "CPUWeight"},
  };
  for (const auto& [name, property] : kPlain) {
    if (file != name) continue;
    uint64_t number = kInfinity;
    if (value != "max" && !absl::SimpleAtoi(value, &number)) {
      return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is not a number or max"));
    }
    out.Add(property, number);
  }
  if (file == "cpu.max") {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(value, absl::MaxSplits(' ', 1));
    int64_t quota = -1;
    uint64_t period = kUsualPeriod;
    if ((parts.first != "max" && !absl::SimpleAtoi(parts.first, &quota)) ||
        (!parts.second.empty() && !absl::SimpleAtoi(parts.second, &period))) {
      return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is no quota and period"));
    }
    AddQuota(quota, period, out);
  }
  cgroup::Resources sets;
  if (file == "cpuset.cpus") sets.cpuset_cpus = std::string(value);
  if (file == "cpuset.mems") sets.cpuset_mems = std::string(value);
  return AddCpuSets(sets, out);
}

absl::Status NotAValue(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no value in GVariant's form"));
}

std::optional<std::string> Unquote(absl::string_view text) {
  if (text.size() < 2 || (text[0] != '\'' && text[0] != '"') || text.back() != text[0]) {
    return std::nullopt;
  }
  const absl::string_view inside = text.substr(1, text.size() - 2);
  if (absl::StrContains(inside, text.substr(0, 1)) || absl::StrContains(inside, "\\")) {
    return std::nullopt;
  }
  return std::string(inside);
}

template <typename T>
absl::StatusOr<Value> ParseNumber(absl::string_view text) {
  T number = 0;
  if (!absl::SimpleAtoi(text, &number)) return NotAValue(text);
  return Value(number);
}

absl::StatusOr<Value> ParseValue(absl::string_view text) {
  if (text == "true" || text == "false") return Value(text == "true");
  if (const std::optional<std::string> string = Unquote(text)) return Value(*string);
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "[") && absl::ConsumeSuffix(&rest, "]")) {
    std::vector<std::string> list;
    for (const absl::string_view item : absl::StrSplit(rest, ',', absl::SkipWhitespace())) {
      const std::optional<std::string> string = Unquote(absl::StripAsciiWhitespace(item));
      if (!string.has_value()) return NotAValue(text);
      list.push_back(*string);
    }
    return Value(std::move(list));
  }
  const std::pair<absl::string_view, absl::string_view> words =
      absl::StrSplit(text, absl::MaxSplits(' ', 1));
  const absl::string_view number = absl::StripAsciiWhitespace(words.second);
  if (words.first == "uint64") return ParseNumber<uint64_t>(number);
  if (words.first == "int64") return ParseNumber<int64_t>(number);
  if (words.first == "uint32") return ParseNumber<uint32_t>(number);
  if (words.first == "int32") return ParseNumber<int32_t>(number);
  return ParseNumber<int32_t>(text);
}

// Seconds of any number's type as microseconds.
std::optional<uint64_t> Microseconds(const Value& seconds) {
  return std::visit(
      [](const auto& value) -> std::optional<uint64_t> {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          const auto number = static_cast<uint64_t>(value);
          if (value < T{0} || number > kInfinity / kMicrosecondsPerSecond) return std::nullopt;
          return number * kMicrosecondsPerSecond;
        }
        return std::nullopt;
      },
      seconds);
}

struct PutValue {
  dbus::Body& body;

  void operator()(bool value) { Variant("b"), body.PutBool(value); }
  void operator()(int32_t value) { Variant("i"), body.PutInt32(value); }
  void operator()(uint32_t value) { Variant("u"), body.PutUint32(value); }
  void operator()(int64_t value) { Variant("x"), body.PutInt64(value); }
  void operator()(uint64_t value) { Variant("t"), body.PutUint64(value); }
  void operator()(const std::string& value) { Variant("s"), body.PutString(value); }
  void operator()(const CpuMask& mask) { Variant("ay"), body.PutBytes(mask.bytes); }
  void operator()(const std::vector<uint32_t>& list) {
    Variant("au");
    const size_t array = body.BeginArray("u");
    for (const uint32_t value : list) body.PutUint32(value);
    body.EndArray(array);
  }
  void operator()(const std::vector<std::string>& list) {
    Variant("as");
    const size_t array = body.BeginArray("s");
    for (const std::string& value : list) body.PutString(value);
    body.EndArray(array);
  }

 private:
  void Variant(const char* signature) { body.BeginVariant(signature); }
};

}  // namespace

void PutProperties(const std::vector<Property>& properties, dbus::Body& body) {
  const size_t array = body.BeginArray("(sv)");
  for (const Property& property : properties) {
    body.BeginStruct();
    body.PutString(property.name);
    std::visit(PutValue{body}, property.value);
    body.EndVariant();
  }
  body.EndArray(array);
}

absl::StatusOr<std::vector<Property>> PropertiesOfLimits(const cgroup::Resources& r,
                                                         cgroup::Version version) {
  Properties out;
  const bool v2 = version == cgroup::Version::kV2;
  out.AddLimit(v2 ? "MemoryMax" : "MemoryLimit", r.memory_limit);
  if (v2) {
    out.AddLimit("MemoryLow", r.memory_reservation);
    if (r.memory_swap.has_value()) {
      const bool limited = *r.memory_swap >= 0 && r.memory_limit.value_or(-1) >= 0;
      out.Add("MemorySwapMax", limited ? Limit(*r.memory_swap - *r.memory_limit) : kInfinity);
    }
  }
  if (r.cpu_shares.has_value() && r.cpu_idle.value_or(0) == 0) {
    if (v2) {
      out.Add("CPUWeight", cgroup::CpuWeightFromShares(*r.cpu_shares));
    } else {
      out.Add("CPUShares", *r.cpu_shares);
    }
  }
  if (r.cpu_quota.has_value() || r.cpu_period.has_value()) {
    AddQuota(r.cpu_quota.value_or(-1), r.cpu_period.value_or(kUsualPeriod), out);
  }
  out.AddLimit("TasksMax", r.pids_limit);
  if (r.io_weight.has_value()) {
    out.Add(v2 ? "IOWeight" : "BlockIOWeight",
            v2 ? 1 + (*r.io_weight - 10) * 9999 / 990 : *r.io_weight);
  }
  RETURN_IF_ERROR(AddCpuSets(r, out));
  for (const auto& [file, value] : r.unified) {
    absl::Status status = AddUnified(file, value, out);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(file, ": ", status.message()));
    }
  }
  return out.Take();
}

absl::StatusOr<Property> ParseProperty(absl::string_view name, absl::string_view text) {
  if (name.size() < 3 || !std::all_of(name.begin(), name.end(), absl::ascii_isalpha)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is no name of a property"));
  }
  ASSIGN_OR_RETURN(Value value, ParseValue(absl::StripAsciiWhitespace(text)));
  absl::string_view stem = name;
  if (absl::EndsWith(name, "USec") || !absl::ConsumeSuffix(&stem, "Sec")) {
    return Property{std::string(name), std::move(value)};
  }
  const std::optional<uint64_t> microseconds = Microseconds(value);
  if (!microseconds.has_value()) return NotAValue(text);
  return Property{absl::StrCat(stem, "USec"), *microseconds};
}

}  // namespace tiny::systemd
