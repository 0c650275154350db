#include "ctl/progress.hh"

#include <string>

#include "base/quantity.hh"

namespace handoff::ctl {
namespace {

// Returns to the start of the line and erases it (ECMA-48 8.3.41, EL).
constexpr const char* kErase = "\r\x1b[K";

}  // namespace

void Progress::show(const std::string& text) {
  *out_ << kErase << text << std::flush;
  visible_ = true;
}

void Progress::add(std::uint64_t octets, sys::Steady::time_point now) {
  done_ += octets;
  if (out_ == nullptr || now - shown_ < interval_) return;
  shown_ = now;
  interval_ = kRefresh;
  auto text = octets_text(static_cast<double>(done_));
  if (total_ && *total_ > 0 && done_ <= *total_) {
    auto fraction = static_cast<double>(done_) / static_cast<double>(*total_);
    text += " of " + octets_text(static_cast<double>(*total_)) + ", " +
            number_text(100 * fraction, 0) + " %";
  }
  show("sent " + text);
}

void Progress::sent() {
  if (visible_)
    show("sent " + octets_text(static_cast<double>(done_)) + ", waiting for the server");
}

void Progress::clear() {
  if (visible_) *out_ << kErase << std::flush;
  visible_ = false;
}

}  // namespace handoff::ctl
