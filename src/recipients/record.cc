#include "recipients/record.hh"

#include <limits>

#include "base/date_time.hh"
#include "base/text.hh"
#include "base/unicode.hh"
#include "base/units.hh"
#include "recipients/layout.hh"

namespace handoff::recipients {
namespace {

// The largest number means "nobody" to chown and setuid; a larger one would be cut to somebody.
bool take_id(std::optional<std::uint32_t>& id, std::string_view value) {
  auto number = parse_number(value);
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) return false;
  id = static_cast<std::uint32_t>(*number);
  return true;
}

bool is_home(std::string_view path) { return path.starts_with('/') && is_trusted_path(path); }

bool take_quota(Record& record, std::string_view value) {
  auto comma = value.find(',');
  record.quota_octets = parse_size(value.substr(0, comma));
  if (!record.quota_octets) return false;
  if (comma == std::string_view::npos) return true;
  record.quota_messages = parse_number(value.substr(comma + 1));
  return record.quota_messages.has_value();
}

// Each says whether the value is one.
struct Field {
  std::string_view name;
  bool (*take)(Record& record, std::string_view value);
};

constexpr Field kFields[] = {
    {"mailbox", [](Record& r, std::string_view v) { return is_trusted_path(r.mailbox = v); }},
    {"home", [](Record& r, std::string_view v) { return is_home(r.home = v); }},
    {"uid", [](Record& r, std::string_view v) { return take_id(r.uid, v); }},
    {"gid", [](Record& r, std::string_view v) { return take_id(r.gid, v); }},
    {"quota", take_quota},
    {"folder", [](Record& r, std::string_view v) { return is_plain_name(r.folder = v); }},
    {"since",
     [](Record& r, std::string_view v) { return (r.since = parse_moment(v)).has_value(); }},
    {"alias", [](Record& r, std::string_view v) { return !(r.alias = v).empty(); }},
};

const Field* find_field(std::string_view name) {
  for (const auto& field : kFields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

Error malformed(const std::string& what) { return {EINVAL, what, {}}; }

std::string_view next_word(std::string_view& text) {
  text = trim(text);
  auto end = std::min(text.find_first_of(" \t"), text.size());
  auto word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

}  // namespace

bool is_field(std::string_view name) { return find_field(name) != nullptr; }

Status set_field(Record& record, std::string_view name, std::string_view value) {
  if (find_field(name)->take(record, value)) return {};
  return malformed(std::string(name) + "=" + escape(value) + " is not a " + std::string(name));
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
      return malformed("no such field: " + escape(word));
    }
    if (auto set = set_field(record, name, word.substr(equals + 1)); !set) return set.error();
  }
  return record;
}

Result<Answer> answer_of(const Record& record, const Address& address, const Ground& ground) {
  if (!record.alias.empty()) {
    auto other = parse_plain_address(record.alias);
    if (other.domain.empty()) other.domain = address.domain;
    if (other.local.empty()) return malformed("alias " + escape(record.alias) + " is no address");
    return Answer(std::move(other));
  }
  auto mailbox = record.mailbox.empty() ? mailbox_by_layout(ground.layout, address, record.home)
                                        : mailbox_by_path(record.mailbox, address);
  if (!mailbox) {
    // A name that is no file's is nobody's. A home that is none says nothing of whose it is.
    bool in_home = record.mailbox.empty() && ground.layout.starts_with("%h");
    if (in_home && record.home.empty()) return malformed("no home");
    if (in_home && !is_home(record.home)) {
      return malformed("home=" + escape(record.home) + " is not a home");
    }
    return Answer();
  }
  if (record.uid.has_value() != record.gid.has_value())
    return malformed("uid without gid, or gid without uid");
  if (record.uid) {
    if (*record.uid == 0) return malformed("uid=0: root has no mailbox");
    mailbox->owner = MailboxOwner{*record.uid, *record.gid};
  }
  mailbox->quota = {record.quota_octets, record.quota_messages};
  mailbox->folder = record.folder;
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
