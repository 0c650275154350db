// The commands and tests of vnd.dovecot.testsuite, with which Pigeonhole's tests are written.
#include "base/text.hh"
#include "sieve/kinds.hh"
#include "suite.hh"

namespace handoff::sieve::testsuite {
namespace {

constexpr auto tag(int index) { return static_cast<Tag>(static_cast<int>(Tag::kForeign) + index); }
constexpr Tag kSmtp = tag(1);
constexpr Tag kFolder = tag(2);
constexpr Tag kAppend = tag(3);
constexpr Tag kExtension = tag(4);
constexpr Tag kMailbox = tag(5);
constexpr TagRow kTags[] = {{kSmtp, "smtp"},
                            {kFolder, "folder", TagValue::kString},
                            {kAppend, "append_result"},
                            {kExtension, "extension", TagValue::kString},
                            {kMailbox, "mailbox", TagValue::kString}};

constexpr std::array kMessageTags{TagUse{kSmtp}, TagUse{kFolder}};
constexpr std::array kAppendTags{TagUse{kAppend}};
constexpr std::array kReloadTags{TagUse{kExtension}};
constexpr std::array kOwnIndexTags{TagUse{Tag::kIndex}};
constexpr std::array kMailboxTags{TagUse{kMailbox}};
constexpr auto kResultTags = join(kMatchTags, kOwnIndexTags);

Suite& suite_of(Run& run) { return static_cast<TestRun&>(run).suite(); }

Flow test(Run& run, const Call& call) {
  auto& suite = suite_of(run);
  suite.failure.reset();
  suite.ended = false;
  auto flow = run.block(call.commands);
  Outcome outcome{run.string(call.arguments[0]), call.line, {}};
  if (suite.failure) {
    outcome.failure = *suite.failure;
  } else if (flow == Flow::kFailed && !suite.ended) {
    outcome.failure = run.fault() ? run.fault()->text() : run.error()->describe();
  }
  if (flow == Flow::kFailed) static_cast<TestRun&>(run).reset();
  suite.outcomes.push_back(std::move(outcome));
  return Flow::kNext;
}

Flow test_fail(Run& run, const Call& call) {
  auto& suite = suite_of(run);
  if (!suite.failure)
    suite.failure = "line " + std::to_string(call.line) + ": " + run.string(call.arguments[0]);
  return Flow::kStop;
}

Flow test_set(Run& run, const Call& call) {
  auto& suite = suite_of(run);
  auto name = run.string(call.arguments[0]);
  auto value = run.string(call.arguments[1]);
  if (name == "message") suite.set_message(value);
  if (name == "envelope.from") suite.facts().from = value;
  if (name == "envelope.to") suite.facts().to = value;
  if (name == "envelope.orig_to") suite.facts().original_to = value;
  if (name == "envelope.auth") suite.facts().auth = value;
  return Flow::kNext;
}

Flow test_config_set(Run& run, const Call& call) {
  suite_of(run).configure(run.string(call.arguments[0]), run.string(call.arguments[1]));
  return Flow::kNext;
}
Flow test_config_unset(Run& run, const Call& call) {
  suite_of(run).configure(run.string(call.arguments[0]), "");
  return Flow::kNext;
}
Flow nothing(Run&, const Call&) { return Flow::kNext; }
Flow test_result_reset(Run& run, const Call&) {
  suite_of(run).reset_result();
  return Flow::kNext;
}
Flow test_mailbox_create(Run& run, const Call& call) {
  suite_of(run).create_folder(run.string(call.arguments[0]));
  return Flow::kNext;
}

bool show(Run& run, const Call& call) {
  auto& suite = suite_of(run);
  auto index = call.arguments[0].number;
  if (call.has(kSmtp)) return suite.show_sent(index);
  auto folder = run.string(call, kFolder);
  return folder && suite.show_folder(*folder, index);
}
Flow test_message(Run& run, const Call& call) {
  show(run, call);
  return Flow::kNext;
}

bool test_script_compile(Run& run, const Call& call) {
  return suite_of(run).compile_script(run.string(call.arguments[0]));
}
bool test_script_run(Run& run, const Call& call) {
  return suite_of(run).run_script(call.has(kAppend));
}
bool test_multiscript(Run& run, const Call& call) {
  return suite_of(run).run_scripts(run.list(call.arguments[0]));
}
bool test_result_execute(Run& run, const Call&) { return suite_of(run).execute(); }

bool select(Run& run, const Call& call, std::vector<std::string> values) {
  if (call.has(Tag::kIndex)) {
    auto at = Run::index(call, values.size());
    values = at ? std::vector{values[*at]} : std::vector<std::string>();
  }
  return run.match(call, values, call.arguments[0]);
}
bool test_result_action(Run& run, const Call& call) {
  return select(run, call, suite_of(run).result_names());
}

// Pigeonhole's tests count Pigeonhole's own messages. Here it is enough that the script does not
// compile. The test has already checked that, so it ends.
bool test_error(Run& run, const Call& call) {
  auto& suite = suite_of(run);
  if (suite.compile_failed) {
    suite.ended = true;
    return run.fail(call.line, "the test ends here"), false;
  }
  return select(run, call, suite.errors);
}

constexpr std::string_view kExt = "vnd.dovecot.testsuite";
constexpr Kind kKinds[] = {
    {.name = "test", .extension = kExt, .arguments = "s", .block = true, .command = test},
    {.name = "test_fail", .extension = kExt, .arguments = "s", .command = test_fail},
    {.name = "test_set", .extension = kExt, .arguments = "ss", .command = test_set},
    {.name = "test_config_set", .extension = kExt, .arguments = "ss", .command = test_config_set},
    {.name = "test_config_unset",
     .extension = kExt,
     .arguments = "s",
     .command = test_config_unset},
    {.name = "test_config_reload", .extension = kExt, .tags = kReloadTags, .command = nothing},
    {.name = "test_binary_save", .extension = kExt, .arguments = "s", .command = nothing},
    {.name = "test_binary_load", .extension = kExt, .arguments = "s", .command = nothing},
    {.name = "test_result_reset", .extension = kExt, .command = test_result_reset},
    {.name = "test_result_print", .extension = kExt, .command = nothing},
    {.name = "test_mailbox_create",
     .extension = kExt,
     .arguments = "s",
     .command = test_mailbox_create},
    {.name = "test_imap_metadata_set",
     .extension = kExt,
     .arguments = "ss",
     .tags = kMailboxTags,
     .command = nothing},
    {.name = "test_message",
     .extension = kExt,
     .arguments = "n",
     .tags = kMessageTags,
     .command = test_message},
    {.name = "test_message",
     .extension = kExt,
     .arguments = "n",
     .tags = kMessageTags,
     .test = show},
    {.name = "test_script_compile",
     .extension = kExt,
     .arguments = "s",
     .test = test_script_compile},
    {.name = "test_script_run", .extension = kExt, .tags = kAppendTags, .test = test_script_run},
    {.name = "test_multiscript", .extension = kExt, .arguments = "S", .test = test_multiscript},
    {.name = "test_result_execute", .extension = kExt, .test = test_result_execute},
    {.name = "test_result_action",
     .extension = kExt,
     .arguments = "S",
     .tags = kResultTags,
     .test = test_result_action},
    {.name = "test_error",
     .extension = kExt,
     .arguments = "S",
     .tags = kResultTags,
     .test = test_error},
};

}  // namespace

const Language& language() {
  static const Language kLanguage = [] {
    auto out = Language::standard();
    out.add(kKinds);
    out.add(kTags);
    out.add(Extension{kExt, {}});
    out.add_namespace("tst");
    return out;
  }();
  return kLanguage;
}

}  // namespace handoff::sieve::testsuite
