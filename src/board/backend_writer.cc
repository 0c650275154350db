#include "board/backend_writer.hh"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace handoff::board {
namespace {

std::uint64_t wall_milliseconds() {
  auto now = sys::Wall::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

void BackendRecords::clear() {
  auto count = std::min(used.load(), records.size());
  for (std::size_t i = 0; i < count; ++i) new (&records[i]) BackendRecord();
  used = 0;
}

OpenConnection::OpenConnection(std::atomic<std::uint64_t>* number) : number_(number) {
  if (number_ != nullptr) ++*number_;
}
OpenConnection::OpenConnection(OpenConnection&& other) noexcept
    : number_(std::exchange(other.number_, nullptr)) {}
OpenConnection& OpenConnection::operator=(OpenConnection&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}
OpenConnection::~OpenConnection() {
  if (number_ != nullptr) --*number_;
}

BackendWriter::BackendWriter(BackendRecords& records, std::string_view name) {
  name = name.substr(0, kMostName);
  auto used = std::min(records.used.load(), records.records.size());
  for (std::size_t i = 0; i < used && record_ == nullptr; ++i) {
    if (records.records[i].name.get() == name) record_ = &records.records[i];
  }
  if (record_ != nullptr) return;
  if (used < kMostBackends) {
    // A worker that somebody had taken over may have written to it, and misled clear().
    record_ = new (&records.records[used]) BackendRecord();
    record_->name.set(name);
    records.used = used + 1;
    return;
  }
  record_ = &records.records.back();
  record_->name.set(kOtherBackends);
  records.used = records.records.size();
}

void BackendWriter::saw(Which now, Which opposite) {
  if (record_ == nullptr) return;
  auto& run = record_->*now;
  auto before = (record_->*opposite).last.load();
  // Later than the last observation of the other kind, even in the same millisecond or after the
  // clock was set back.
  auto time = std::max(wall_milliseconds(), before + 1);
  if (run.last <= before) run.first = time;
  run.last = time;
}

void BackendWriter::replied_after(sys::Steady::duration time) {
  if (record_ != nullptr) observe(record_->latency, time);
}

void BackendWriter::settled(int code) {
  if (record_ == nullptr) return;
  auto outcome = code / 100 == 2   ? Outcome::kDelivered
                 : code / 100 == 4 ? Outcome::kDeferred
                                   : Outcome::kRejected;
  board::add(record_->recipients[static_cast<std::size_t>(outcome)], 1);
}

}  // namespace handoff::board
