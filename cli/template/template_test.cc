#include "cli/template/template.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

Value Sample() {
  Value value = Value::Object({
      {"Name", "/web"},
      {"Count", 3},
      {"Up", true},
      {"Nothing", Value()},
      {"Args", Value(std::vector<std::string>{"-a", "b c"})},
      {"Labels", Value::Dictionary({{"env", "prod"}, {"a.b", "x"}})},
      {"State", Value::Object({{"Status", "running"}, {"Pid", 42}})},
      {"Empty", Value(Value::List())},
  });
  value.Set("Label", Value(Value::Function([](absl::Span<const Value> a) -> absl::StatusOr<Value> {
              if (a.size() != 1) return absl::InvalidArgumentError("want the name of a label");
              return Value("label " + ToText(a[0]));
            })));
  return value;
}

absl::StatusOr<std::string> Render(absl::string_view text) {
  absl::StatusOr<Template> parsed = Template::Parse(text);
  if (!parsed.ok()) return parsed.status();
  return parsed->Execute(Sample());
}

struct Case {
  const char* text;
  const char* want;
};

class TemplateTest : public ::testing::TestWithParam<Case> {};

TEST_P(TemplateTest, Renders) {
  ASSERT_OK_AND_ASSIGN(const std::string got, Render(GetParam().text));
  EXPECT_EQ(got, GetParam().want) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Fields, TemplateTest,
    ::testing::Values(Case{"", ""}, Case{"plain } text", "plain } text"}, Case{"{{.Name}}", "/web"},
                      Case{"{{ .State.Status }}!", "running!"},
                      Case{"{{.Count}} {{.Up}}", "3 true"}, Case{"{{.Args}}", "[-a b c]"},
                      Case{"{{.Labels.env}}", "prod"}, Case{"{{.Labels.none}}", "<no value>"},
                      Case{"{{index .Labels \"a.b\"}}", "x"}, Case{"{{index .Args 1}}", "b c"},
                      Case{"{{index .Labels \"none\"}}|", "|"}, Case{"{{$.Name}}", "/web"},
                      Case{"{{(index .Args 0)}}", "-a"}, Case{"{{.Label \"k\"}}", "label k"},
                      Case{"a {{- \" b \" -}} c", "a b c"}, Case{"{{/* note */}}x", "x"},
                      Case{"{{`raw \\n`}}", "raw \\n"}));

INSTANTIATE_TEST_SUITE_P(
    Blocks, TemplateTest,
    ::testing::Values(Case{"{{if .Up}}y{{else}}n{{end}}", "y"},
                      Case{"{{if .Nothing}}y{{else}}n{{end}}", "n"},
                      Case{"{{if .Empty}}a{{else if .Up}}b{{else}}c{{end}}", "b"},
                      Case{"{{range .Args}}<{{.}}>{{end}}", "<-a><b c>"},
                      Case{"{{range $i, $v := .Args}}{{$i}}={{$v}};{{end}}", "0=-a;1=b c;"},
                      Case{"{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}", "a.b=x env=prod "},
                      Case{"{{range .Empty}}x{{else}}none{{end}}", "none"},
                      Case{"{{with .State}}{{.Pid}} {{$.Name}}{{end}}", "42 /web"},
                      Case{"{{with .Nothing}}x{{else}}y{{end}}", "y"},
                      Case{"{{$x := .Count}}{{range .Args}}{{$x}}{{end}}", "33"},
                      Case{"{{if and .Up (eq .Count 3)}}yes{{end}}", "yes"}));

INSTANTIATE_TEST_SUITE_P(
    Functions, TemplateTest,
    ::testing::Values(
        Case{"{{json .State}}", R"({"Status":"running","Pid":42})"},
        Case{"{{.Args | json}}", R"(["-a","b c"])"}, Case{"{{join .Args \",\"}}", "-a,b c"},
        Case{"{{len .Args}}{{len .Name}}", "24"}, Case{"{{upper .Name}}", "/WEB"},
        Case{"{{lower \"ABC\" | title}}", "Abc"},
        Case{"{{range split \"a,b\" \",\"}}{{.}};{{end}}", "a;b;"},
        Case{"{{truncate .Name 2}}", "/w"}, Case{"{{pad .Name 1 2}}|", " /web  |"},
        Case{"{{printf \"%s-%05d-%q\" .Name .Count .Up}}", "/web-00003-\"true\""},
        Case{"{{printf \"%-6s|%6s|%%\" \"ab\" \"cd\"}}", "ab    |    cd|%"},
        Case{"{{slice .Name 1}}|{{slice .Name 1 3}}|{{slice .Name}}", "web|we|/web"},
        Case{"{{slice .Name 4}}{{len (slice .Args 1)}}{{slice .Args 0 1 | json}}", "1[\"-a\"]"},
        Case{"{{html \"<a b='&'>\" .Count}}", "&lt;a b=&#39;&amp;&#39;&gt;3"},
        Case{"{{html \"\\\"\" | js}}", "\\u0026#34;"},
        Case{"{{js \"it's <x=1>\\n\"}}", "it\\'s \\u003Cx\\u003D1\\u003E\\u000A"},
        Case{"{{urlquery \"a b/c~d_e?\"}}", "a+b%2Fc~d_e%3F"},
        Case{"{{print \"a\" \"b\" 1 2 \"c\"}}", "ab1 2c"}, Case{"{{println}}", "\n"},
        Case{"{{println .Name .Count}}", "/web 3\n"}, Case{"{{eq .Count 1 2 3}}", "true"},
        Case{"{{ne .Name \"x\"}}{{not .Up}}", "truefalse"},
        Case{"{{lt .Count 4}}{{ge 2 3}}", "truefalse"}, Case{"{{or .Nothing .Name}}", "/web"}));

struct BadCase {
  const char* text;
  const char* message;
};

class BadTemplateTest : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadTemplateTest, NamesThePlace) {
  EXPECT_THAT(Render(GetParam().text),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)))
      << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadTemplateTest,
    ::testing::Values(
        BadCase{"ab{{.Name", "{{ without }} at column 3"},
        BadCase{"{{.Nope}}", "no field Nope at column 3"},
        BadCase{"{{.Name.X}}", "a string has no field X"},
        BadCase{"{{if .Up}}", "{{if}} without {{end}}"},
        BadCase{"{{end}}", "{{end}} without its beginning"},
        BadCase{"{{}}", "missing a field or function"},
        BadCase{"{{nope .Name}}", "no function \"nope\""}, BadCase{"{{nope .Name}}", " slice "},
        BadCase{"{{call .Name}}", "no function \"call\": give"},
        BadCase{"{{slice .Name 5}}", "5 to 4 is outside of a string of 4"},
        BadCase{"{{slice .Args 0 3}}", "0 to 3 is outside of a list of 2"},
        BadCase{"{{slice .Name 2 1}}", "2 to 1 is outside"},
        BadCase{"{{slice .Name -1}}", "-1 to 4 is outside"},
        BadCase{"{{slice .Count 1}}", "want a string or list"},
        BadCase{"{{len .Count}}", "len: want a string, list or map"},
        BadCase{"{{index .Args 7}}", "outside of a list of 2"},
        BadCase{"{{\"abc}}", "closing quote"},
        BadCase{"{{.Name .Count}}", "a string takes no values"},
        BadCase{"{{$x}}", "no variable $x"}, BadCase{"{{.A ^ .B}}", "unexpected \"^\""},
        BadCase{"{{json}}", "wrong number of values"},
        BadCase{"{{range .Name}}{{end}}", "range over a string"},
        BadCase{"{{printf \"%z\" 1}}", "unknown verb %z"},
        BadCase{"{{printf \"%99999d\" 1}}", "too large"},
        BadCase{"{{printf \"%d\"}}", "too few values"}, BadCase{"{{/* x}}", "comment"}));

TEST(TemplateLimitsTest, DeepNestingIsAnErrorNotACrash) {
  std::string text = "{{";
  text.append(100000, '(');
  text += "}}";
  EXPECT_THAT(Render(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deeply")));
  std::string ifs;
  for (int i = 0; i < 10000; ++i) ifs += "{{if .Up}}";
  EXPECT_THAT(Render(ifs), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deeply")));
}

TEST(TemplateLimitsTest, OutputIsBounded) {
  std::string text = "{{$x := \"\"}}";
  text = "{{range .Args}}{{range $.Args}}";
  for (int i = 0; i < 20; ++i) text += "{{range $.Args}}";
  text += "0123456789";
  for (int i = 0; i < 22; ++i) text += "{{end}}";
  EXPECT_THAT(Render(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("16 MiB")));
}

}  // namespace
}  // namespace tiny::cli
