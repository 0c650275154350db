// Runs scripts in a few lines, for a site that the test describes.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sieve/engine.hh"

namespace handoff::sieve {

class TestSite : public Site {
 public:
  std::map<std::string, std::string, std::less<>> scripts;
  std::set<std::string, std::less<>> folders;
  std::vector<std::string> known;  // ids of marks
  bool broken = false;             // every answer is an error

  Result<std::optional<std::string>> script(ScriptPlace, std::string_view name) override {
    if (broken) return Error{EIO, "read", std::string(name)};
    auto found = scripts.find(name);
    if (found == scripts.end()) return std::optional<std::string>();
    return std::optional(found->second);
  }
  Result<bool> folder_exists(std::string_view folder) override {
    if (broken) return Error{EIO, "stat", std::string(folder)};
    return folders.contains(folder);
  }
  Result<bool> special_use_exists(std::string_view, std::string_view use) override {
    return use == "\\Junk";
  }
  Result<bool> seen(const Mark& mark) override {
    if (broken) return Error{EIO, "read", "marks"};
    return std::ranges::find(known, mark.id) != known.end();
  }
  Result<std::optional<std::string>> environment(std::string_view) override {
    return std::optional<std::string>();
  }
};

inline constexpr std::string_view kMessage =
    "From: Pat <pat+work@example.com>\r\n"
    "To: lee@example.org\r\n"
    "Subject: Lunch at =?utf-8?q?Caf=C3=A9?=\r\n"
    "Message-ID: <1@example.com>\r\n"
    "\r\n"
    "Hello.\r\n";

inline constexpr std::string_view kParts =
    "From: pat@example.com\r\nTo: lee@example.org\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\nprologue\r\n"
    "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\nCaf=E9\r\n"
    "--b\r\nContent-Type: application/x-evil; name=a.exe\r\n\r\nevil\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<p>Hello &amp; <b>bye</b></p>\r\n"
    "--b--\r\n";

// Returns the text of the message with which a copy is stored.
inline std::string stored(const Ran& ran, std::string_view message) {
  const auto& edited = std::get<Copy>(ran.plan.actions.at(0)).edited;
  auto head = message.substr(0, message.find("\r\n\r\n") + 4);
  return (edited.header ? *edited.header : std::string(head)) +
         (edited.body ? *edited.body : std::string(message.substr(head.size())));
}

struct Scripted {
  TestSite site;
  Facts facts;
  Limits limits;

  Scripted() {
    facts.from = "pat+work@example.com";
    facts.to = "lee@example.org";
    facts.host = "mail.example.org";
    facts.now = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
  }

  Ran run(std::string_view script, std::string_view message = kMessage) {
    const auto* engine = handoff_sieve_module();
    auto compiled = engine->compile(script, site, limits);
    std::vector<NamedProgram> programs;
    if (compiled.program) programs.push_back({"", compiled.program.get()});
    auto ran = engine->run(programs, message, facts, site, limits, true);
    if (!compiled.faults.empty()) ran.faults = std::move(compiled.faults);
    if (compiled.error) ran.error = std::move(compiled.error);
    return ran;
  }
  // Returns the text of the only copy that a script stores; nothing else may be planned.
  std::string only_copy(std::string_view script, std::string_view message) {
    auto ran = run(script, message);
    BOOST_REQUIRE(ran.faults.empty());
    BOOST_REQUIRE(ran.plan.actions.size() == 1u);
    return stored(ran, message);
  }
  // Returns the first fault of a script: "line 1: ..."; empty if there is none.
  std::string fault(std::string_view script) {
    auto checked = handoff_sieve_module()->compile(script, site, limits);
    return checked.faults.empty() ? "" : checked.faults.front().text();
  }
  // Returns the plan in short: "keep", "store Junk", "redirect a@b", "reject", "reply", "notify".
  std::vector<std::string> plan(std::string_view script, std::string_view message = kMessage) {
    auto ran = run(script, message);
    for (const auto& fault : ran.faults) BOOST_ERROR(fault.text());
    std::vector<std::string> out;
    for (const auto& action : ran.plan.actions) out.push_back(name(action));
    return out;
  }
  // Returns whether `test` holds; `extensions` are those that it needs.
  bool holds(std::string_view extensions, std::string_view test,
             std::string_view message = kMessage) {
    auto script = "require [\"fileinto\"" + std::string(extensions.empty() ? "" : ",") +
                  std::string(extensions) + "]; if " + std::string(test) + " { fileinto \"yes\"; }";
    auto planned = plan(script, message);
    return planned == std::vector<std::string>{"store yes"};
  }

 private:
  static std::string name(const Action& action) {
    if (const auto* copy = std::get_if<Copy>(&action))
      return copy->folder.empty() ? "keep" : "store " + copy->folder;
    if (const auto* redirect = std::get_if<Redirect>(&action)) return "redirect " + redirect->to;
    if (std::holds_alternative<Rejection>(action)) return "reject";
    const auto& outgoing = std::get<Outgoing>(action);
    return std::string(outgoing.withheld.empty() ? "" : "no ") +
           (outgoing.kind == Outgoing::Kind::kVacation ? "reply" : "notify");
  }
};

using Plans = std::vector<std::string>;

}  // namespace handoff::sieve
