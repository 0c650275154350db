// Log and scoreboard entries about recipients and refused commands.
#include <algorithm>
#include <optional>

#include "base/text.hh"
#include "worker/connection.hh"
#include "worker/timed.hh"

namespace handoff::worker {
namespace {

constexpr std::size_t kMostFields = 28;  // of a recipient

// Returns the cause of a failure, as anybody may see it: without the path, which names a mailbox,
// and without the addresses that the message of a server may contain.
std::string public_cause(const Error& error, const Address& address) {
  if (error.reason == Reason::kSystem) return error.what + ": " + error.cause();
  return hide_address(error.what, address);
}

// Returns the reply without the address in it.
std::string public_reply(const lmtp::Reply& reply) {
  auto line = reply.one_line();
  if (auto bracket = line.find('<'); bracket != line.npos) {
    auto rest = line.substr(std::min(line.find('>', bracket), line.size() - 1) + 1);
    line = line.substr(0, bracket) + "the recipient" + rest;
  }
  return line;
}

// Returns the command that `verb` begins; nothing for those whose refusals are not counted.
std::optional<board::At> command_of(std::string_view verb) {
  if (iequals(verb, "MAIL")) return board::At::kMail;
  if (iequals(verb, "RCPT")) return board::At::kRcpt;
  bool content = verb.empty() || iequals(verb, "DATA") || iequals(verb, "BDAT");
  return content ? std::optional(board::At::kContent) : std::nullopt;
}

}  // namespace

using board::At;
using board::Counter;

void Connection::add_client_and_reply(sys::Fields& fields, const lmtp::Reply& reply) const {
  fields.emplace_back("client", peer_.text);
  fields.emplace_back("orig_client", session_.forwarded().peer_or(""));
  fields.emplace_back("tls", tls_text());
  fields.emplace_back("auth", user_);
  fields.emplace_back("code", reply.code);
  fields.emplace_back("dsn", reply.status);
  fields.emplace_back("reply", reply.one_line());
}

sys::Fields Connection::refusal_fields(const std::string& from, const std::string& to,
                                       const lmtp::Reply& reply, const Error* error) const {
  const auto& forwarded = session_.forwarded();
  sys::Fields fields;
  fields.reserve(kMostFields);
  fields.emplace_back("id", session_.in_transaction() ? id_ : std::string());
  fields.emplace_back("queue_id", forwarded.ident);
  fields.emplace_back("from", from);
  fields.emplace_back("to", to);
  add_client_and_reply(fields, reply);
  if (error != nullptr) fields.emplace_back("cause", error->describe());
  return fields;
}

void Connection::note_failure(const lmtp::Reply& reply, const Error& error,
                              const Address& address) {
  slot_writer_.failure(public_reply(reply) + ": " + public_cause(error, address), address.text());
}

void Connection::count_outcome(const lmtp::Reply& reply) {
  slot_writer_.count(reply.positive()        ? Counter::kDelivered
                     : reply.code / 100 == 4 ? Counter::kDeferred
                                             : Counter::kRejected);
}

void Connection::log_outcome(const Sender& sender, const Recipient& recipient,
                             const lmtp::Reply& reply, const Result<spool::Delivered>* result,
                             const Filtered* filtered) {
  const auto& facts = session_.header_facts();
  const auto& forwarded = session_.forwarded();
  sys::Fields fields;
  fields.reserve(kMostFields);  // an initializer list would copy each
  fields.emplace_back("id", id_);
  fields.emplace_back("queue_id", forwarded.ident.empty() ? facts.queue_id : forwarded.ident);
  fields.emplace_back("from", sender.bracketed());
  fields.emplace_back("to", recipient.address.bracketed());
  fields.emplace_back("orig_to", recipient.original ? recipient.original->address : "");
  fields.emplace_back("message_id", facts.message_id);
  const auto& mailbox = recipient.mailbox;
  fields.emplace_back("mailbox", mailbox.backend ? std::string() : mailbox.name());
  fields.emplace_back("backend", mailbox.backend ? mailbox.backend->text() : std::string());
  bool filed = filtered != nullptr && !filtered->done().empty();
  fields.emplace_back("folder", filed ? filtered->done().front().folder : mailbox.folder);
  bool delivered = result != nullptr && result->ok();
  if (filed && !(delivered && result->value().already)) {
    const auto& done = filtered->done().front();
    fields.emplace_back("action", done.action);
    fields.emplace_back("script", done.script);
    fields.emplace_back("line", done.line_text());
    fields.emplace_back("rule", done.rule);
  }
  if (delivered && !result->value().file.empty()) {
    fields.emplace_back("file", result->value().file);
    fields.emplace_back("size", result->value().size);
  }
  add_client_and_reply(fields, reply);
  fields.emplace_back("delay", in_seconds(sys::Steady::now() - times_.begin));
  fields.emplace_back("lookup", in_seconds(times_.lookup));
  fields.emplace_back("write", in_seconds(times_.write));
  fields.emplace_back("sync", in_seconds(times_.sync));
  fields.emplace_back("commit", in_seconds(times_.commit));
  count_outcome(reply);
  if (mailbox.backend) services_.pool->record_of(*mailbox.backend).settled(reply.code);
  if (!reply.positive()) slot_writer_.refused(At::kContent, reply.code, reply.reason);
  if (delivered) {
    if (result->value().already) fields.emplace_back("status", "already-delivered");
    if (filtered != nullptr && filtered->discarded()) {
      services_.log.info("discarded", fields);
    } else {
      services_.log.info("delivered", fields);
    }
    if (filed) log_actions(recipient, *filtered);
    return;
  }
  bool rejected = result != nullptr && result->error().reason == Reason::kRejected;
  if (result != nullptr && !rejected) {
    note_failure(reply, result->error(), recipient.address);
    fields.emplace_back("cause", result->error().describe());
  }
  if (reply.code / 100 == 4) {
    services_.log.error("deferred", fields);
  } else {
    services_.log.info("refused", fields);
  }
}

void Connection::log_actions(const Recipient& recipient, const Filtered& filtered) {
  if (filtered.done().size() < 2) return;
  for (const auto& done : filtered.done()) {
    services_.log.info("filtered", {{"id", id_},
                                    {"to", recipient.address.bracketed()},
                                    {"folder", done.folder},
                                    {"action", done.action},
                                    {"script", done.script},
                                    {"line", done.line_text()},
                                    {"rule", done.rule}});
  }
}

void Connection::log_refusals() {
  for (const auto& refused : session_.take_refused()) {
    // If the content could not be stored, that is the cause; the reply is the same for all.
    bool stored = !content_error_ || refused.reply.code / 100 != 4;
    auto result = stored ? Result<spool::Delivered>(Error{}) : *content_error_;
    log_outcome(refused.sender, refused.recipient, refused.reply, stored ? nullptr : &result);
  }
  for (const auto& refused : session_.take_refusals()) {
    const auto& reply = refused.reply;
    if (auto at = command_of(refused.verb)) slot_writer_.refused(*at, reply.code, reply.reason);
    services_.log.info("command refused", refusal_fields(refused.from, refused.to, reply));
  }
}

}  // namespace handoff::worker
