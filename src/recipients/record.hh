// What a lookup knows of one recipient, as fields: the words of a line of file:, the columns of a
// database, the attributes of a directory. Their names are the same in all of them:
//
//   mailbox   the Maildir: below spool.path, or an absolute path; without it: spool.layout
//   home      %h of spool.layout, an absolute path
//   uid, gid  numbers: who owns the mailbox
//   quota     SIZE, or SIZE,MESSAGES: octets (or with K, M, G), 0 means no limit
//   folder    Maildir++ folder for mail without a subaddress
//   since     when the owner got the mailbox (RFC 7293): RFC 3339 date-time, seconds since 1970, or
//             GeneralizedTime
//   alias     the address is another name of this one, and nothing else is known
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "recipients/lookup.hh"

namespace handoff::recipients {

struct Record {
  std::string mailbox;  // empty: not known; so are home, folder and alias
  std::string home;
  std::optional<std::uint32_t> uid, gid;
  std::optional<std::uint64_t> quota_octets, quota_messages;
  std::string folder;
  std::optional<std::chrono::sys_seconds> since;
  std::string alias;
};

// Whether a field is called so.
bool is_field(std::string_view name);
// Takes one field. EINVAL, with what is wrong, where the value is none. Requires is_field(name).
Status set_field(Record& record, std::string_view name, std::string_view value);
// Takes "mailbox=a/b uid=1000" or "-> pat@example.org". Nothing but that is EINVAL; empty is known,
// and nothing more.
Result<Record> parse_record(std::string_view text);

// The answer that `record` makes for `address`; EINVAL where the two make no mailbox.
Result<Answer> answer_of(const Record& record, const Address& address, const Ground& ground);

// "pat@example.org" taken apart at its last @; without one there is no domain.
Address parse_plain_address(std::string_view text);

}  // namespace handoff::recipients
