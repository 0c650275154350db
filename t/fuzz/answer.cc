#include <algorithm>
#include <string>

#include "base/text.hh"
#include "recipients/dovecot_lookup.hh"
#include "recipients/record.hh"
#include "sys/files.hh"
#include "targets.hh"

namespace handoff::fuzz {
namespace {

using namespace handoff::recipients;

// The first octet selects the server: a socketmap, which answers in words; Dovecot, which separates
// words by tabs; or a database, whose columns are represented as lines NAME=VALUE.
Result<Record> record_of(char who, std::string_view text) {
  if (who == 's') return parse_record(text);
  if (who == 'd') return parse_dovecot_user(text);
  Record record;
  for (auto column : split(text, '\n')) {
    auto equals = std::min(column.find('='), column.size());
    auto name = column.substr(0, equals);
    auto value = column.substr(std::min(equals + 1, column.size()));
    if (!is_field(name)) continue;
    if (auto taken = set_field(record, name, value); !taken) return taken.error();
  }
  return record;
}

bool is_safe(std::string_view component) {
  return !component.empty() && component != "." && component != ".." && component.size() <= 255 &&
         std::ranges::none_of(component, is_control);
}

}  // namespace

void answer(std::string_view octets) {
  if (octets.empty()) return;
  auto record = record_of(octets.front(), octets.substr(1));
  if (!record) {
    require(!record.error().describe().empty(), "an error without a cause");
    return;
  }
  const Address address{"pat", "example.org"};
  sys::Files files;
  const sys::Fd no_spool;
  for (const std::string layout : {"%d/%n", "%h/Maildir"}) {
    LookupContext context{.files = files, .spool = no_spool, .layout = layout};
    auto found = answer_of(record.value(), address, context);
    if (!found) continue;
    const auto& [mailbox, alias] = found.value();
    require(!mailbox || !alias, "both a mailbox and another name");
    if (alias)
      require(!alias->local.empty() && !alias->domain.empty(), "a name that is not an address");
    if (!mailbox) continue;
    require(mailbox->base.empty() || mailbox->base.starts_with('/'), "a base that is not absolute");
    for (auto component : split(mailbox->path, '/')) {
      require(is_safe(component), "a path with an unsafe component");
    }
    const auto& folder = mailbox->folder;
    require(folder.empty() ||
                (is_safe(folder) && folder.find('/') == folder.npos && folder.front() != '.'),
            "an unsafe folder");
    require(!mailbox->owner || mailbox->owner->uid != 0, "root owns a mailbox");
  }
}

}  // namespace handoff::fuzz
