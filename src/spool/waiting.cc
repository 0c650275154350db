#include "spool/waiting.hh"

#include <array>

#include "spool/access.hh"

namespace handoff::spool {
namespace {

constexpr char kWaiting[] = "waiting";
constexpr char kNewWaiting[] = "waiting.new";

}  // namespace

// The file is locked and complete before it has its name.
Waiting::Waiting(sys::Files& files, sys::Fd run, const std::string& host)
    : files_(files), run_(std::move(run)) {
  static_cast<void>(files_.unlink(run_, kNewWaiting).ok());
  auto file = files_.create(run_, kNewWaiting, kFileMode);
  if (!file || !sys::claim(file.value()) || !files_.write(file.value(), host)) return;
  if (files_.rename(run_, kNewWaiting, run_, kWaiting)) file_ = std::move(file).value();
}

Waiting::~Waiting() {
  if (file_) static_cast<void>(files_.unlink(run_, kWaiting).ok());
}

std::optional<std::string> Waiting::host(sys::Files& files, const sys::Fd& run) {
  auto file = files.open_file(run, kWaiting);
  if (!file || sys::claim(file.value())) return std::nullopt;
  std::array<char, 1024> text;
  auto n = files.read_at(file.value(), 0, text.data(), text.size());
  return n ? std::optional(std::string(text.data(), n.value())) : std::nullopt;
}

}  // namespace handoff::spool
