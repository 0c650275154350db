#include "recipients/record.hh"

#include <algorithm>
#include <limits>

#include "base/date_time.hh"
#include "base/network.hh"
#include "base/text.hh"
#include "base/unicode.hh"
#include "base/units.hh"
#include "recipients/layout.hh"

namespace handoff::recipients {
namespace {

// The largest number means "none" to chown and setuid; a larger one would be truncated to another
// id.
bool take_id(std::optional<std::uint32_t>& id, std::string_view value) {
  auto number = parse_number(value);
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) return false;
  id = static_cast<std::uint32_t>(*number);
  return true;
}

bool is_home(std::string_view path) { return path.starts_with('/') && is_trusted_path(path); }

// A host name of RFC 1123 2.1 (with the underscores that some sites use), or an address.
bool take_host(Record& record, std::string_view value) {
  if (value.starts_with('[') && value.ends_with(']')) value = value.substr(1, value.size() - 2);
  constexpr std::size_t kLongest = 255;
  bool plain = std::ranges::all_of(value, [](char c) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || is_digit(c) || c == '-' || c == '.' || c == '_' || c == ':';
  });
  if (value.empty() || value.size() > kLongest || !plain) return false;
  if (value.find(':') != value.npos && !parse_ip(value)) return false;
  record.host = lower(value);
  return true;
}

// RFC 2033 5: LMTP must not be used on port 25.
bool take_port(Record& record, std::string_view value) {
  auto number = parse_number(value);
  if (!number || *number == 0 || *number == 25 || *number > 65535) return false;
  record.port = static_cast<std::uint16_t>(*number);
  return true;
}

bool take_timeout(Record& record, std::string_view value) {
  constexpr std::chrono::hours kLongest{1};
  record.timeout = parse_duration(value);
  return record.timeout && record.timeout->count() > 0 && *record.timeout <= kLongest;
}

bool take_quota_pair(Record& record, std::string_view value) {
  auto comma = value.find(',');
  record.quota_octets = parse_size(value.substr(0, comma));
  if (!record.quota_octets) return false;
  if (comma == std::string_view::npos) return true;
  record.quota_messages = parse_number(value.substr(comma + 1));
  return record.quota_messages.has_value();
}

// `take` returns false if the value is malformed.
struct Field {
  std::string_view name;
  bool (*take)(Record& record, std::string_view value);
};

constexpr Field kFields[] = {
    {"mailbox", [](Record& r, std::string_view v) { return is_trusted_path(r.mailbox = v); }},
    {"home", [](Record& r, std::string_view v) { return is_home(r.home = v); }},
    {"uid", [](Record& r, std::string_view v) { return take_id(r.uid, v); }},
    {"gid", [](Record& r, std::string_view v) { return take_id(r.gid, v); }},
    {"quota", take_quota_pair},
    {"folder", [](Record& r, std::string_view v) { return is_plain_name(r.folder = v); }},
    {"sieve", [](Record& r, std::string_view v) { return is_trusted_path(r.sieve = v); }},
    {"since",
     [](Record& r, std::string_view v) { return (r.since = parse_moment(v)).has_value(); }},
    {"host", take_host},
    {"port", take_port},
    {"timeout", take_timeout},
    {"alias", [](Record& r, std::string_view v) { return !(r.alias = v).empty(); }},
};

const Field* find_field(std::string_view name) {
  for (const auto& field : kFields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

Error malformed(const std::string& what) { return explained(EINVAL, what); }

std::string_view next_word(std::string_view& text) {
  text = trim(text);
  auto end = std::min(text.find_first_of(" \t"), text.size());
  auto word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

}  // namespace

Result<std::optional<Record>> Lookup::find_record(const Address&) {
  return explained(ENOTSUP, "this lookup does not return records");
}

bool is_field(std::string_view name) { return find_field(name) != nullptr; }

Status set_field(Record& record, std::string_view name, std::string_view value) {
  if (find_field(name)->take(record, value)) return {};
  return malformed(std::string(name) + "=" + std::string(value) + " is not a " + std::string(name));
}

Result<Record> parse_record(std::string_view text) {
  Record record;
  for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
    if (word == "->") {
      auto other = next_word(text);
      bool alone = !other.empty() && trim(text).empty() && record.alias.empty();
      if (!alone) return malformed("-> must be followed by one address and nothing else");
      record.alias = other;
      return record;
    }
    auto equals = word.find('=');
    auto name = word.substr(0, equals);
    if (equals == std::string_view::npos || !is_field(name)) {
      return malformed("no such field: " + std::string(word));
    }
    if (auto set = set_field(record, name, word.substr(equals + 1)); !set) return set.error();
  }
  return record;
}

Result<Answer> answer_of(const Record& record, const Address& address,
                         const LookupContext& context) {
  if (!record.alias.empty()) {
    auto other = parse_plain_address(record.alias);
    if (other.domain.empty()) other.domain = address.domain;
    if (other.local.empty()) return malformed("alias " + record.alias + " is not an address");
    return Answer(std::move(other));
  }
  if (!record.host.empty()) {
    if (!context.proxy) {
      return malformed("the mailbox is at " + record.host + ", and proxy.enabled is no");
    }
    Mailbox remote;
    remote.path = remote.address = address.text();
    remote.backend = Backend{record.host, record.port.value_or(Backend().port), record.timeout};
    remote.owned_since = record.since;
    return Answer(std::move(remote));
  }
  auto mailbox = record.mailbox.empty() ? mailbox_by_layout(context.layout, address, record.home)
                                        : mailbox_by_path(record.mailbox, address);
  if (!mailbox) {
    // A name that cannot be a file name belongs to nobody. A malformed home says nothing about
    // the recipient.
    bool in_home = record.mailbox.empty() && context.layout.starts_with("%h");
    if (in_home && record.home.empty()) return malformed("no home");
    if (in_home && !is_home(record.home)) {
      return malformed("home=" + record.home + " is not a home");
    }
    return Answer();
  }
  if (record.port) return malformed("port without host");
  if (record.timeout) return malformed("timeout without host");
  if (record.uid.has_value() != record.gid.has_value())
    return malformed("uid without gid, or gid without uid");
  if (record.uid) {
    if (*record.uid == 0) return malformed("uid=0: root has no mailbox");
    mailbox->owner = MailboxOwner{*record.uid, *record.gid};
  }
  mailbox->quota = {record.quota_octets, record.quota_messages};
  mailbox->folder = record.folder;
  if (is_home(record.home)) mailbox->home = record.home;
  mailbox->script = record.sieve;
  mailbox->owned_since = record.since;
  mailbox->create = true;
  return Answer(std::move(*mailbox));
}

Address parse_plain_address(std::string_view text) {
  auto at = text.rfind('@');
  if (at == std::string_view::npos) return {std::string(text), {}};
  auto domain = text.substr(at + 1);
  return {std::string(text.substr(0, at)),
          is_utf8(domain) ? to_ascii_domain(domain).value_or(lower(domain)) : lower(domain)};
}

}  // namespace handoff::recipients
