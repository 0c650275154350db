// What the log and the board say of each recipient, and of commands that were refused.
#include "worker/pump.hh"
#include "worker/timed.hh"

namespace handoff::worker {
namespace {

constexpr std::size_t kMostFields = 24;  // of an outcome

}  // namespace

using board::Counter;

void Pump::log_outcome(const Address& sender, const Recipient& recipient, const lmtp::Reply& reply,
                       const Result<spool::Delivered>* result) {
  const auto& facts = session_.header_facts();
  const auto& forwarded = session_.forwarded();
  sys::Fields fields;
  fields.reserve(kMostFields);  // in a list of initial values each would be copied
  fields.emplace_back("id", id_);
  fields.emplace_back("queue_id", forwarded.ident.empty() ? facts.queue_id : forwarded.ident);
  fields.emplace_back("from", sender.bracketed());
  fields.emplace_back("to", recipient.address.bracketed());
  fields.emplace_back("orig_to", recipient.original ? recipient.original->address : "");
  fields.emplace_back("message_id", facts.message_id);
  fields.emplace_back("mailbox", recipient.mailbox.name());
  fields.emplace_back("folder", recipient.mailbox.folder);
  bool delivered = result != nullptr && result->ok();
  if (delivered) {
    fields.emplace_back("file", result->value().file);
    fields.emplace_back("size", result->value().size);
  }
  fields.emplace_back("client", peer_.text);
  fields.emplace_back("orig_client", forwarded.peer_or(""));
  fields.emplace_back("tls", tls_text());
  fields.emplace_back("auth", user_);
  fields.emplace_back("code", reply.code);
  fields.emplace_back("dsn", reply.status);
  fields.emplace_back("reply", reply.one_line());
  fields.emplace_back("delay", in_seconds(sys::Steady::now() - times_.begin));
  fields.emplace_back("lookup", in_seconds(times_.lookup));
  fields.emplace_back("write", in_seconds(times_.write));
  fields.emplace_back("sync", in_seconds(times_.sync));
  fields.emplace_back("commit", in_seconds(deliverer_.took()));
  scribe_.count(reply.positive()        ? Counter::kDelivered
                : reply.code / 100 == 4 ? Counter::kDeferred
                                        : Counter::kRejected);
  if (delivered) {
    if (result->value().already) fields.emplace_back("status", "already-delivered");
    services_.log.info("delivered", fields);
    return;
  }
  if (result != nullptr) {
    scribe_.failure(
        reply.one_line().substr(0, reply.one_line().find(" <")) + ": " + result->error().what,
        recipient.address.text());
    fields.emplace_back("cause", result->error().describe());
  }
  if (reply.code / 100 == 4) {
    services_.log.error("deferred", fields);
  } else {
    services_.log.info("refused", fields);
  }
}

void Pump::log_refusals() {
  for (const auto& refused : session_.take_refused()) {
    log_outcome(refused.sender, refused.recipient, refused.reply, nullptr);
  }
  auto refusal = session_.take_refusal();
  if (refusal.empty()) return;
  services_.log.info("command refused",
                     {{"client", peer_.text}, {"tls", tls_text()}, {"reply", refusal}});
}

}  // namespace handoff::worker
