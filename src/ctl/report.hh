// What the doctor, or --check, finds: one line each, and under a problem its cure.
#pragma once

#include <ostream>
#include <string_view>

#include "ctl/paint.hh"

namespace handoff::ctl {

class Report {
 public:
  enum class Says { kAll, kFaults };  // kFaults: what is ok is not printed

  explicit Report(std::ostream& out, Paint paint = {}, Says says = Says::kAll)
      : out_(&out), paint_(paint), says_(says) {}

  void ok(std::string_view what) {
    if (says_ == Says::kAll) *out_ << paint_.good("ok") << "       " << what << "\n";
  }
  // Works, and may yet not be what was wanted.
  void note(std::string_view what, std::string_view cure) {
    *out_ << paint_.care("note") << "     " << what << "\n         cure: " << cure << "\n";
  }
  void problem(std::string_view what, std::string_view cure) {
    *out_ << paint_.bad("PROBLEM") << "  " << what << "\n         cure: " << cure << "\n";
    ++problems_;
  }
  // What may be as it should, and is to be looked at by somebody who knows.
  void warning(std::string_view what, std::string_view advice) {
    *out_ << paint_.care("warning") << "  " << what << "\n         advice: " << advice << "\n";
  }
  unsigned problems() const { return problems_; }

 private:
  std::ostream* out_;
  Paint paint_;
  Says says_;
  unsigned problems_ = 0;
};

}  // namespace handoff::ctl
