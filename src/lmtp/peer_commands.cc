// Commands about the peer: STARTTLS, AUTH, and Postfix's XFORWARD and XCLIENT.
#include <algorithm>
#include <functional>
#include <span>

#include "base/network.hh"
#include "base/text.hh"
#include "base/xtext.hh"
#include "lmtp/replies.hh"
#include "lmtp/session.hh"

namespace handoff::lmtp {
namespace {

struct Attribute {
  std::string_view name;
  std::string Forwarded::*member;  // nullptr: accepted but ignored
  // Free text, chosen by the original client or another queue manager: any value is accepted.
  bool free = false;
};

constexpr Attribute kXforward[] = {
    {"NAME", &Forwarded::name},
    {"ADDR", &Forwarded::address},
    {"HELO", &Forwarded::hello, true},
    {"IDENT", &Forwarded::ident, true},
    {"PORT", nullptr},
    {"PROTO", nullptr},
    {"SOURCE", nullptr},
};
constexpr Attribute kXclient[] = {
    {"NAME", &Forwarded::name},
    {"ADDR", &Forwarded::address},
    {"HELO", &Forwarded::hello, true},
    {"PORT", nullptr},
    {"PROTO", nullptr},
    {"LOGIN", nullptr},
    {"DESTADDR", nullptr},
    {"DESTPORT", nullptr},
};

// A value is written to Received: and the log: printable ASCII without the special characters of
// comments.
bool is_plain(char c) {
  constexpr std::string_view kSpecials = " ()<>;\"\\";
  return is_ascii(c) && !is_control(c) && kSpecials.find(c) == kSpecials.npos;
}

// Returns whether the value means that the peer does not know it. A bracket at the start is not
// enough, because a HELO may be an address literal.
bool is_unavailable(std::string_view value) {
  return iequals(value, "[UNAVAILABLE]") || iequals(value, "[TEMPUNAVAIL]");
}

// Parses "NAME=value NAME=value" into `out`. Returns the first invalid word; empty if there is
// none.
std::string_view read_attributes(std::string_view text, std::span<const Attribute> known,
                                 Forwarded& out) {
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    auto equals = word.find('=');
    auto row = std::ranges::find_if(
        known, [&](const Attribute& a) { return iequals(a.name, word.substr(0, equals)); });
    if (row == known.end() || equals == word.npos) return word;
    auto value = decode_xtext(word.substr(equals + 1));
    if (!value || value->size() > 255) return word;
    if (row->free) std::ranges::replace_if(*value, std::not_fn(is_plain), '?');
    if (!std::ranges::all_of(*value, is_plain)) return word;
    if (row->member == nullptr) continue;
    if (row->member == &Forwarded::address) {
      std::string_view ip = *value;
      if (istarts_with(ip, "IPv6:")) ip.remove_prefix(5);
      if (auto address = parse_ip(ip)) *value = literal_of(*address);
    }
    out.*(row->member) = is_unavailable(*value) ? std::string() : std::move(*value);
  }
  return {};
}

}  // namespace

// Returns the protocol, for Received: (RFC 3848, RFC 6531 4.3).
std::string Session::protocol() const {
  std::string word = transaction_->envelope().utf8 ? "UTF8LMTP" : "LMTP";
  if (peer_.tls) word += "S";
  if (authenticated_) word += "A";
  return word;
}

// Returns the refusal if STARTTLS (RFC 3207 4) or AUTH (RFC 4954 6) must precede MAIL.
std::optional<Reply> Session::missing_protection() const {
  if (options_.require_tls && peer_.can_tls && !peer_.tls) return Reply(say::kTlsFirst);
  // Even if no mechanism can be offered, AUTH is required.
  if (options_.require_auth && peer_.remote && !authenticated_) return Reply(say::kAuthFirst);
  return std::nullopt;
}

std::optional<Event> Session::xforward(std::string_view argument) {
  if (!peer_.trusted) return complain({say::kNotTrusted, {"XFORWARD"}});
  if (transaction_) return complain({say::kInTransaction, {"XFORWARD"}});
  Forwarded forwarded = forwarded_;
  auto wrong = read_attributes(argument, kXforward, forwarded);
  if (!wrong.empty()) return complain({say::kBadAttribute, {wrong}});
  forwarded_ = std::move(forwarded);
  say(say::kOk);
  return std::nullopt;
}

// The session restarts for the named client.
std::optional<Event> Session::xclient(std::string_view argument) {
  if (!peer_.trusted) return complain({say::kNotTrusted, {"XCLIENT"}});
  if (transaction_) return complain({say::kInTransaction, {"XCLIENT"}});
  Forwarded client = client_;
  auto wrong = read_attributes(argument, kXclient, client);
  if (!wrong.empty()) return complain({say::kBadAttribute, {wrong}});
  client_ = std::move(client);
  forwarded_ = client_;
  hello_.clear();
  say({say::kGreeting, {options_.hostname}});
  return std::nullopt;
}

// RFC 3207 4.
std::optional<Event> Session::starttls(std::string_view) {
  if (peer_.tls) return complain(say::kTlsAlready);
  if (!peer_.can_tls) return complain(say::kNoTls);
  if (transaction_) return complain({say::kInTransaction, {"STARTTLS"}});
  say(say::kTlsReady);
  asked_ = LookupResult::kTls;
  return TlsBegins{};
}

void Session::tls_started(std::string mechanisms, bool trusted) {
  asked_ = LookupResult::kNothing;
  peer_.tls = true;
  peer_.trusted = peer_.trusted || trusted;
  peer_.mechanisms = std::move(mechanisms);
  // RFC 3207 4.2: forget everything from before the handshake, including unprocessed input.
  authenticated_ = false;
  hello_.clear();
  client_ = forwarded_ = {};
  lines_.clear();
}

// RFC 4954 4.
std::optional<Event> Session::auth(std::string_view argument) {
  if (peer_.mechanisms.empty()) return complain(say::kNoAuth);
  if (authenticated_) return complain(say::kAuthAlready);
  if (transaction_) return complain({say::kInTransaction, {"AUTH"}});
  auto mechanism = argument.substr(0, argument.find(' '));
  auto rest = trim(argument.substr(mechanism.size()));
  auto offered = split(peer_.mechanisms, ' ');
  bool known = std::ranges::any_of(
      offered, [&](std::string_view offer) { return iequals(offer, mechanism); });
  if (!known) return complain({say::kBadMechanism, {mechanism}});
  asked_ = LookupResult::kAuth;
  auto response = rest.empty() ? std::nullopt : std::optional(rest);
  return AuthStep{mechanism, response};
}

// A line of an AUTH exchange in progress.
std::optional<Event> Session::auth_line(std::string_view line) {
  if (line == "*") return complain(say::kAuthCancelled);
  asked_ = LookupResult::kAuth;
  return AuthStep{{}, line};
}

void Session::auth_challenge(std::string_view base64) {
  asked_ = LookupResult::kNothing;
  phase_ = Phase::kAuth;
  say({say::kAuthChallenge, {base64}});
}

void Session::auth_succeeded() {
  asked_ = LookupResult::kNothing;
  authenticated_ = true;
  say(say::kAuthOk);
}

}  // namespace handoff::lmtp
