#include "config.h"
#include "targets.hh"
#ifdef HAVE_SIEVE
#include "sieve/checker.hh"
#include "sieve/run.hh"
#endif

namespace handoff::fuzz {

#ifdef HAVE_SIEVE
namespace {

using namespace handoff::sieve;

// A site without scripts and folders.
class EmptySite final : public Site {
 public:
  Result<std::optional<std::string>> script(ScriptPlace, std::string_view) override {
    return std::optional<std::string>();
  }
  Result<bool> folder_exists(std::string_view) override { return false; }
  Result<bool> special_use_exists(std::string_view, std::string_view) override { return false; }
  Result<bool> seen(const Mark&) override { return false; }
  Result<std::optional<std::string>> environment(std::string_view) override {
    return std::optional<std::string>();
  }
};

void check_action(const Action& action) {
  if (const auto* redirect = std::get_if<Redirect>(&action)) {
    require(redirect->to.find_first_of("\r\n") == std::string::npos,
            "a redirect goes to two lines");
  }
  if (const auto* outgoing = std::get_if<Outgoing>(&action)) {
    auto head = outgoing->text.substr(0, outgoing->text.find("\r\n\r\n"));
    require(head.find('\0') == std::string::npos, "a message of ours has NUL in its header");
    require(outgoing->withheld.empty() || outgoing->text.empty(),
            "a message that is withheld has a text");
    for (const auto& to : outgoing->to)
      require(to.find_first_of("\r\n") == std::string::npos, "a recipient is two lines");
  }
  if (const auto* copy = std::get_if<Copy>(&action)) {
    require(copy->folder.find('\0') == std::string::npos, "the name of a folder has NUL");
    if (copy->edited.header)
      require(copy->edited.header->ends_with('\n'), "an edited header has no end");
  }
}

}  // namespace

// A script, NUL, and the message that it runs over.
void sieve(std::string_view octets) {
  auto end = octets.find('\0');
  auto script = octets.substr(0, end);
  auto text = end == std::string_view::npos ? std::string_view("From: a@b.example\n\nbody\n")
                                            : octets.substr(end + 1);
  EmptySite site;
  Limits limits;
  limits.steps = 20'000;
  auto compiled = compile(script, site, limits);
  if (!compiled.faults.empty()) {
    for (const auto& fault : compiled.faults)
      require(fault.line > 0 && !fault.what.empty(), "a fault says nothing");
    return;
  }
  Facts facts;
  facts.from = "pat@example.com";
  facts.to = "lee@example.org";
  facts.host = "mail.example.org";
  Trace trace;
  handoff::sieve::Message message(text, limits);
  Run run(message, facts, site, limits, &trace);
  run.execute(compiled.program);
  auto failed = run.failed();
  auto plan = run.finish();
  require(plan.actions.size() <= limits.actions + 1, "a plan has too many actions");
  require(!failed || plan.actions.size() == 1, "a script that failed does more than keep");
  require(run.steps() <= limits.steps * 4, "the limit of steps does not hold");
  for (const auto& action : plan.actions) check_action(action);
  // A second run gives the same result.
  handoff::sieve::Message second(text, limits);
  Run again(second, facts, site, limits);
  again.execute(compiled.program);
  require(again.failed() == failed && again.finish().actions.size() == plan.actions.size(),
          "two runs differ");
}

#else

void sieve(std::string_view) {}

#endif

}  // namespace handoff::fuzz
