#include "master/spool_space.hh"

#include <sysexits.h>

#include <array>
#include <string>
#include <utility>

#include "base/text.hh"
#include "sys/pipe.hh"

namespace handoff::master {
namespace {

// handoffctl waits for ten seconds.
constexpr std::chrono::seconds kLimit{5};
// How long an answer is of this moment: the status page asks each five seconds, --watch each one.
constexpr std::chrono::milliseconds kStands{500};

std::string packed(const sys::Space& space) {
  std::string out;
  for (auto number :
       {space.free_octets, space.total_octets, space.free_inodes, space.total_inodes}) {
    out += std::to_string(number) + " ";
  }
  return out;
}

std::optional<sys::Space> unpacked(std::string_view text) {
  std::array<std::uint64_t, 4> numbers{};
  auto words = split(text, ' ');
  if (words.size() < numbers.size()) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    auto number = parse_number(words[i]);
    if (!number) return std::nullopt;
    numbers[i] = *number;
  }
  return sys::Space{numbers[0], numbers[1], numbers[2], numbers[3]};
}

}  // namespace

SpoolSpace::SpoolSpace(EventLoop& loop, Children& children)
    : errand_(loop, children, kLimit, kStands) {}

void SpoolSpace::ask(const std::function<Result<sys::Space>()>& measure,
                     std::function<void()> then) {
  auto work = [measure](const sys::Fd& words) {
    auto space = measure();
    if (!space) return EX_UNAVAILABLE;
    sys::put(words, packed(space.value()));
    return EX_OK;
  };
  errand_.ask(work, [this, then = std::move(then)](const Report& report) {
    last_ = report.ok ? unpacked(report.text) : std::nullopt;
    then();
  });
}

}  // namespace handoff::master
