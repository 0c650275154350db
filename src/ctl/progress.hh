// Shows how much of a large message has been sent, on one line that is overwritten and finally
// erased.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>

#include "sys/clock.hh"

namespace handoff::ctl {

class Progress {
 public:
  // Writes to `out`, a terminal, which must outlive the object; null: writes nothing. `total`:
  // octets of the message, if known.
  Progress(std::ostream* out, std::optional<std::uint64_t> total, sys::Steady::time_point begin)
      : out_(out), total_(total), shown_(begin), interval_(kDelay) {}

  // `octets` more were sent. Shows nothing until kDelay has passed.
  void add(std::uint64_t octets, sys::Steady::time_point now);
  // All octets were sent.
  void sent();
  // Erases the line.
  void clear();

 private:
  static constexpr std::chrono::milliseconds kDelay{500};    // before the first line
  static constexpr std::chrono::milliseconds kRefresh{100};  // between lines

  void show(const std::string& text);

  std::ostream* out_;
  std::optional<std::uint64_t> total_;
  std::uint64_t done_ = 0;
  sys::Steady::time_point shown_;
  std::chrono::milliseconds interval_;
  bool visible_ = false;
};

}  // namespace handoff::ctl
