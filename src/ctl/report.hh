// The findings of `handoffctl doctor` and `handoffd --check`: one line each, and for everything but
// "ok" a second line that says what to do.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "base/text.hh"
#include "ctl/colours.hh"

namespace handoff::ctl {

class Report {
 public:
  enum class Verbosity { kAll, kFaults };  // kFaults: "ok" lines are not printed

  explicit Report(std::ostream& out, Colours colours = {}, Verbosity verbosity = Verbosity::kAll)
      : out_(out), colours_(colours), verbosity_(verbosity) {}

  void ok(std::string_view what) {
    if (verbosity_ == Verbosity::kAll) out_ << colours_.green("ok") << "       " << what << "\n";
  }
  // Mail is delivered, but this may not be what was intended.
  void note(std::string_view what, std::string_view fix) {
    print(colours_.yellow("note") + "     ", what, fix);
  }
  // What was found may be intended; somebody who knows the system should decide.
  void warning(std::string_view what, std::string_view fix) {
    print(colours_.yellow("warning") + "  ", what, fix);
  }
  void problem(std::string_view what, std::string_view fix) {
    print(colours_.red("PROBLEM") + "  ", what, fix);
    ++problems_;
  }
  unsigned problems() const { return problems_; }

 private:
  void print(const std::string& kind, std::string_view what, std::string_view fix) {
    out_ << kind << printable(what) << "\n         fix: " << printable(fix) << "\n";
  }

  std::ostream& out_;
  Colours colours_;
  Verbosity verbosity_;
  unsigned problems_ = 0;
};

}  // namespace handoff::ctl
