// The data of a lookup about one recipient, as fields: the words of a line of file:, the columns of
// a database, the attributes of a directory. Fields have the same names everywhere:
//
//   mailbox   the Maildir: below spool.path, or an absolute path; without it: spool.layout
//   home      %h of spool.layout, an absolute path
//   uid, gid  numbers: who owns the mailbox
//   quota     SIZE, or SIZE,MESSAGES: octets (or with K, M, G), 0 means no limit
//   folder    Maildir++ folder for mail without a subaddress
//   sieve     the Sieve script: an absolute path, or one relative to the home
//   since     when the owner got the mailbox (RFC 7293): RFC 3339 date-time, seconds since 1970, or
//             GeneralizedTime
//   host      the host that has the mailbox and takes its mail over LMTP: a name or an address
//   port      its TCP port for LMTP; without it: 24
//   timeout   how long it may take for each step: "90", "90s", "5m", "1h"
//   alias     the address is another name of this one, and nothing else is known
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "recipients/lookup.hh"

namespace handoff::recipients {

struct Record {
  std::string mailbox;  // empty: unknown; likewise home, folder and alias
  std::string home;
  std::optional<std::uint32_t> uid, gid;
  std::optional<std::uint64_t> quota_octets, quota_messages;
  std::string folder;
  std::string sieve;
  std::optional<std::chrono::sys_seconds> since;
  std::string host;  // empty: this one
  std::optional<std::uint16_t> port;
  std::optional<std::chrono::seconds> timeout;
  std::string alias;
};

// Returns whether there is a field of that name.
bool is_field(std::string_view name);
// Takes one field. EINVAL, with what is wrong, if the value is malformed. Requires is_field(name).
Status set_field(Record& record, std::string_view name, std::string_view value);
// Takes "mailbox=a/b uid=1000" or "-> pat@example.org". Any other text is EINVAL. Empty text means
// that the recipient exists, without any fields.
Result<Record> parse_record(std::string_view text);

// Returns the answer for `address` according to `record`; EINVAL if the two yield no mailbox.
Result<Answer> answer_of(const Record& record, const Address& address,
                         const LookupContext& context);

// Splits "pat@example.org" at its last @; without an @ there is no domain.
Address parse_plain_address(std::string_view text);

}  // namespace handoff::recipients
