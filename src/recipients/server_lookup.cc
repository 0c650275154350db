#include "recipients/server_lookup.hh"

namespace handoff::recipients {
namespace {

// What is wrong with one recipient is not wrong with the server.
bool was_answered(const Error& error) { return error.code == EINVAL || error.code == EAGAIN; }

}  // namespace

Result<std::optional<Record>> ServerLookup::ask_once(const Address& address,
                                                     sys::Deadline deadline) {
  if (!is_connected()) {
    if (auto connected = connect(deadline); !connected) {
      disconnect();
      return connected.error();
    }
  }
  auto record = ask(address, deadline);
  if (!record && !was_answered(record.error())) disconnect();
  return record;
}

Result<Answer> ServerLookup::find(const Address& address) {
  auto now = sys::Steady::now();
  if (backoff_.holds(now)) {
    auto cause = backoff_.cause();
    cause.what += " (a moment ago)";
    cause.path.clear();  // that was of another recipient
    return cause;
  }
  bool old = is_connected();
  auto record = ask_once(address, now + ground_.timeout);
  // The server may have been restarted since the last question, or have closed what was idle.
  bool again = !record && old && record.error().code != ETIMEDOUT && !is_connected();
  if (again) {
    record = ask_once(address, now + ground_.timeout);
  }
  if (!record && is_connected()) return record.error();
  if (!record) {
    backoff_.failed(record.error(), sys::Steady::now());
    return record.error();
  }
  backoff_.succeeded();
  if (!record.value()) return Answer();
  return answer_of(*record.value(), address, ground_);
}

}  // namespace handoff::recipients
