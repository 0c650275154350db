// What the doctor finds: one line each, and under a problem its cure.
#pragma once

#include <ostream>
#include <string_view>

namespace handoff::ctl {

class Report {
 public:
  explicit Report(std::ostream& out) : out_(&out) {}

  void ok(std::string_view what) { *out_ << "ok       " << what << "\n"; }
  void problem(std::string_view what, std::string_view cure) {
    *out_ << "PROBLEM  " << what << "\n         cure: " << cure << "\n";
    ++problems_;
  }
  unsigned problems() const { return problems_; }

 private:
  std::ostream* out_;
  unsigned problems_ = 0;
};

}  // namespace handoff::ctl
