#include "recipients/server_lookup.hh"

namespace handoff::recipients {
namespace {

// An error that concerns one recipient does not mean that the server has failed.
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

Result<std::optional<Record>> ServerLookup::find_record(const Address& address) {
  auto now = sys::Steady::now();
  if (backoff_.holds(now)) {
    auto cause = backoff_.cause();
    cause.what += " (a moment ago)";
    cause.path.clear();  // it named another recipient
    return cause;
  }
  bool old = is_connected();
  auto record = ask_once(address, now + context_.timeout);
  // The server may have been restarted since the last query, or have closed an idle connection.
  bool again = !record && old && record.error().code != ETIMEDOUT && !is_connected();
  if (again) {
    record = ask_once(address, now + context_.timeout);
  }
  if (!record && is_connected()) return record.error();
  if (!record) {
    backoff_.failed(record.error(), sys::Steady::now());
    return record.error();
  }
  backoff_.succeeded();
  return record;
}

Result<Answer> ServerLookup::find(const Address& address) {
  auto record = find_record(address);
  if (!record) return record.error();
  if (!record.value()) return Answer();
  return answer_of(*record.value(), address, context_);
}

}  // namespace handoff::recipients
