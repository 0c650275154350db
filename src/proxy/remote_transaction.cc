#include "proxy/remote_transaction.hh"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/text.hh"
#include "lmtp/replies.hh"

namespace handoff::proxy {
namespace {

namespace say = lmtp::say;

// Octets that are sent at once. A BDAT before the last has at least this many, because each of
// them gets a reply.
constexpr std::size_t kPiece = 64 << 10;
constexpr std::uint64_t kChunk = 256 << 10;

constexpr std::string_view kReason = "backend";

bool is_reply_to_command(const lmtp::Reply& reply) {
  return reply.code / 100 == 2 || reply.code / 100 == 4 || reply.code / 100 == 5;
}

}  // namespace

RemoteTransaction::RemoteTransaction(Pool& pool, Backend backend, const Facts& facts)
    : pool_(pool), backend_(std::move(backend)), record_(pool.record_of(backend_)), facts_(facts) {}

RemoteTransaction::~RemoteTransaction() {
  if (!connection_) return;
  if (has_begun_) {
    connection_->break_off();
    return;
  }
  if (is_open_) connection_->reset();
  pool_.give_back(backend_, *std::move(connection_));
}

void RemoteTransaction::replies_read() {
  if (!connection_) return;
  // Otherwise a reply could be mistaken for one to a later message.
  bool complete = is_sent_ && replies_.size() == addresses_.size() && connection_->release();
  if (!complete) return;
  auto connection = *std::move(connection_);
  connection_.reset();
  connection.reset();
  pool_.give_back(backend_, std::move(connection));
}

lmtp::Reply RemoteTransaction::failure(const lmtp::Phrase& phrase,
                                       const std::string& address) const {
  return {phrase, {address, backend_.text()}};
}

lmtp::Reply RemoteTransaction::passed_on(const lmtp::Reply& reply,
                                         const std::string& address) const {
  if (!is_reply_to_command(reply)) return failure(say::kBackendLost, address);
  lmtp::Reply out;
  // 421 would say that this server closes the connection.
  out.code = reply.code == 421 ? 451 : reply.code;
  out.status = reply.status.empty() ? std::to_string(reply.code / 100) + ".0.0" : reply.status;
  // Clients mishandle several lines after the content, and a reply is ASCII (RFC 5321 4.2).
  for (char c : reply.text) out.text += c == '\n' ? ' ' : is_control(c) || !is_ascii(c) ? '?' : c;
  out.reason = kReason;
  return out;
}

void RemoteTransaction::lose(const Error& error, const lmtp::Phrase& phrase) {
  if (connection_) connection_->break_off();
  connection_.reset();
  is_open_ = false;
  lost_ = &phrase;
  cause_ = error.describe();
}

void RemoteTransaction::refuse(const lmtp::Reply& reply, const std::string& address) {
  refusal_ = passed_on(reply, address);
  if (connection_ && has_begun_) {
    // The backend would interpret the rest of the content as commands.
    connection_->break_off();
    connection_.reset();
  }
}

sys::Deadline RemoteTransaction::deadline() const {
  return sys::Steady::now() + pool_.options().timeout_of(backend_);
}

Result<lmtp::Reply> RemoteTransaction::receive() { return connection_->receive(deadline()); }

lmtp::Reply RemoteTransaction::add(const std::string& address, const Recipient& recipient) {
  if (std::ranges::find(addresses_, address) != addresses_.end()) return say::kRecipientOk;
  if (facts_.envelope.hops >= pool_.options().max_hops) {
    return {say::kProxyLoop, {address, std::to_string(facts_.envelope.hops)}};
  }
  if (refusal_) return *refusal_;
  if (lost_ != nullptr) return failure(*lost_, address);
  // The backend may have closed a connection that was kept; nothing was promised on it.
  for (bool fresh : {false, true}) {
    bool reused = true;
    if (!connection_) {
      auto taken = pool_.take(backend_, fresh);
      if (!taken) {
        bool forbidden = taken.error().code == EACCES;
        lose(taken.error(), forbidden ? say::kBackendNotAllowed : say::kBackendDown);
        if (!forbidden) record_.failed();
        return failure(*lost_, address);
      }
      connection_ = std::move(taken.value().connection);
      reused = taken.value().reused;
    } else {
      reused = false;
    }
    auto missing = missing_extension(facts_.envelope, address, connection_->offers());
    if (!missing.empty()) return {say::kBackendTooSimple, {address, backend_.text(), missing}};
    if (auto reply = begin(address, recipient)) return *std::move(reply);
    if (!reused) break;
    lost_ = nullptr;
    cause_.clear();
  }
  record_.failed();
  return failure(*lost_, address);
}

std::optional<lmtp::Reply> RemoteTransaction::begin(const std::string& address,
                                                    const Recipient& recipient) {
  auto fail = [&](const Error& error) {
    if (error.code == ETIMEDOUT) pool_.note_silent(backend_, error);
    lose(error, say::kBackendLost);
    return std::optional<lmtp::Reply>();
  };
  const auto& offers = connection_->offers();
  std::size_t before = 0;  // replies before the one to RCPT
  auto send = [&](const std::string& command) {
    connection_->queue(command);
    return offers.pipelining ? Status() : connection_->flush(deadline());
  };
  auto forward = is_open_ ? std::string() : xforward_command(facts_.forwarded, offers);
  std::vector<std::string> commands;
  if (!forward.empty()) commands.push_back(forward);
  if (!is_open_) commands.push_back(mail_command(facts_.envelope, offers));
  before = commands.size();
  commands.push_back(rcpt_command(address, recipient, offers));
  std::size_t sent = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    // Without PIPELINING one command waits for the reply to the one before.
    auto until = offers.pipelining ? commands.size() : i + 1;
    while (sent < until) {
      if (auto done = send(commands[sent++]); !done) return fail(done.error());
    }
    if (auto done = connection_->flush(deadline()); !done) {
      return fail(done.error());
    }
    auto reply = receive();
    if (!reply) return fail(reply.error());
    if (reply.value().code == 421) {
      return fail(explained(ECONNRESET, "the backend said " + reply.value().one_line()));
    }
    record_.answered();
    bool is_mail = !is_open_ && i + 1 == before;
    if (is_mail) {
      is_open_ = reply.value().positive();
      if (is_open_) continue;
      refuse(reply.value(), address);
      // The reply to RCPT follows if it was sent already.
      if (offers.pipelining && !receive()) return fail(Error{ECONNRESET, "RCPT", {}});
      return refusal_;
    }
    if (i < before) continue;  // a refused XFORWARD only means that less is known
    auto passed = passed_on(reply.value(), address);
    if (passed.positive()) addresses_.push_back(address);
    return passed;
  }
  return std::nullopt;
}

void RemoteTransaction::begin_content() {
  if (!connection_) return;
  if (addresses_.empty()) {  // every recipient was refused
    connection_->reset();
    pool_.give_back(backend_, *std::move(connection_));
    connection_.reset();
    return;
  }
  has_begun_ = true;
  deadline_ = deadline();
  if (connection_->offers().chunking) return;
  connection_->queue("DATA\r\n");
  auto sent = connection_->flush(deadline_);
  auto reply = sent ? receive() : Result<lmtp::Reply>(sent.error());
  if (!reply) {
    if (reply.error().code == ETIMEDOUT) pool_.note_silent(backend_, reply.error());
    lose(reply.error(), say::kBackendLost);
  } else if (reply.value().code / 100 >= 4) {
    refuse(reply.value(), addresses_.front());
  } else if (reply.value().code != 354) {
    lose(explained(EPROTO, "the backend answered DATA with " + reply.value().one_line()),
         say::kBackendLost);
  }
  if (lost_ != nullptr) record_.failed();
  deadline_ = deadline();
}

void RemoteTransaction::serve(const Content& content, bool ended) {
  if (!connection_ || !has_begun_ || is_settled()) return;
  auto served = take_replies();
  // The client may pause in the middle of the content for as long as it likes.
  bool pausing = !ended && chunk_left_ == 0 && !connection_->has_output();
  bool ends = ended && !std::exchange(has_ended_, ended);
  if (pausing || ends) {
    deadline_ = deadline();
  }
  if (ends) ended_at_ = sys::Steady::now();
  if (served && connection_) served = send(content, ended);
  if (served && connection_ && !is_settled() && sys::Steady::now() >= deadline_) {
    served =
        Error{ETIMEDOUT, is_sent_ ? "wait for the backend's reply" : "send to the backend", {}};
    pool_.note_silent(backend_, served.error());
  }
  if (served) return;
  lose(served.error(), say::kBackendLost);
  record_.failed();
}

Status RemoteTransaction::send(const Content& content, bool ended) {
  bool chunking = connection_->offers().chunking;
  for (;;) {
    auto before = connection_->has_output();
    if (auto pushed = connection_->push(); !pushed) return pushed;
    if (connection_->has_output()) return {};
    if (before) {
      deadline_ = is_sent_ ? sys::Steady::now() + pool_.options().delivery_timeout_of(backend_)
                           : deadline();
    }
    if (is_sent_) return {};
    auto left = content.size() - offset_;
    if (chunking && chunk_left_ == 0) {
      if (!ended && left < kChunk) return {};
      connection_->queue("BDAT " + std::to_string(left) + (ended ? " LAST\r\n" : "\r\n"));
      chunk_left_ = left;
      is_last_ = ended;
      if (!ended) ++chunks_;
    }
    auto most = std::min<std::uint64_t>(chunking ? chunk_left_ : left, kPiece);
    std::string piece;
    if (most > 0) {
      auto read = content.read(offset_, static_cast<std::size_t>(most), piece);
      if (!read) return read;
    }
    offset_ += piece.size();
    if (chunking) {
      chunk_left_ -= piece.size();
      connection_->queue(piece);
    } else {
      std::string encoded;
      encoder_.encode(piece, encoded);
      if (ended && offset_ == content.size()) encoder_.finish(encoded);
      connection_->queue(encoded);
    }
    // If the content ends inside a chunk without LAST, "BDAT 0 LAST" follows.
    is_sent_ = chunking ? is_last_ && chunk_left_ == 0 : ended && offset_ == content.size();
    if (!connection_->has_output()) return {};
  }
}

Status RemoteTransaction::take_replies() {
  auto expected = is_sent_ ? chunks_ + addresses_.size() - replies_.size()
                           : std::numeric_limits<std::size_t>::max();
  if (auto looked = connection_->look(expected); !looked) return looked;
  while (connection_) {
    auto reply = connection_->next();
    if (!reply) return {};
    if (auto taken = take(*reply); !taken) return taken;
  }
  return {};
}

Status RemoteTransaction::take(const lmtp::Reply& reply) {
  if (chunks_ > 0) {
    --chunks_;
    if (!reply.positive()) refuse(reply, addresses_.front());
    return {};
  }
  if (!is_sent_) {
    return explained(EPROTO, "the backend said " + reply.one_line() + " before the message ended");
  }
  if (replies_.size() == addresses_.size()) return {};
  // 421 ends the session, so the other recipients get no reply.
  if (reply.code == 421) {
    return explained(ECONNRESET, "the backend said " + reply.one_line());
  }
  replies_.push_back(passed_on(reply, addresses_[replies_.size()]));
  record_.answered();
  if (replies_.size() == addresses_.size()) {
    record_.replied_after(sys::Steady::now() - ended_at_);
  }
  return {};
}

std::optional<RemoteTransaction::Awaited> RemoteTransaction::awaited() const {
  if (!has_begun_ || is_settled()) return std::nullopt;
  return Awaited{connection_->fd(), connection_->has_output() || !is_sent_, deadline_};
}

std::optional<lmtp::Reply> RemoteTransaction::reply(const std::string& address) const {
  auto at = std::ranges::find(addresses_, address);
  auto number = static_cast<std::size_t>(at - addresses_.begin());
  if (number < replies_.size()) return replies_[number];
  if (refusal_) return refusal_;
  if (lost_ != nullptr) return failure(*lost_, address);
  return std::nullopt;
}

}  // namespace handoff::proxy
