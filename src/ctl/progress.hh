// How far a large message has come, on one line that is written over and is gone at the end.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>

#include "sys/clock.hh"

namespace handoff::ctl {

class Progress {
 public:
  // To `out`, a terminal, which outlives the object; nothing is written without one. `total`:
  // octets that there are, where that is known.
  Progress(std::ostream* out, std::optional<std::uint64_t> total, sys::Steady::time_point begin)
      : out_(out), total_(total), shown_(begin), patience_(kPatience) {}

  // So many octets more have gone. Shows nothing of what is over in a moment.
  void add(std::uint64_t octets, sys::Steady::time_point now);
  // The last has gone: what remains is the server's.
  void sent();
  // Takes the line away; what comes next is written in its place.
  void clear();

 private:
  static constexpr std::chrono::milliseconds kPatience{500};  // before the first line
  static constexpr std::chrono::milliseconds kBetween{100};   // two lines

  void show(const std::string& text);

  std::ostream* out_;
  std::optional<std::uint64_t> total_;
  std::uint64_t done_ = 0;
  sys::Steady::time_point shown_;
  std::chrono::milliseconds patience_;
  bool visible_ = false;
};

}  // namespace handoff::ctl
