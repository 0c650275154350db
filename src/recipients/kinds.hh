// The table of the kinds of recipients.lookup. To add a kind, add a file that implements the lookup
// and a row in kinds.cc.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/lookup_kind.hh"
#include "recipients/lookup.hh"

namespace handoff::recipients {

// Creates a lookup for `argument`, the text after the kind and a colon. EINVAL if it is malformed.
// Does not connect yet.
using Maker = Result<std::unique_ptr<Lookup>>(const std::string& argument,
                                              const LookupContext& context);

struct Kind {
  LookupKind traits;
  Maker* make;  // nullptr: in a module
};

// Returns nullptr if there is no such kind.
const Kind* find_kind(std::string_view name, std::span<const Kind> rows = kinds());

// Returns a LookupParser for the kinds of the table, or of `rows`.
Result<LookupSetting> parse_lookup(std::string_view value);
Result<LookupSetting> parse_lookup(std::string_view value, std::span<const Kind> rows);

// Returns a LookupParser that accepts a kind of LookupKind::apart() without an argument, because a
// worker's copy of the settings does not contain the argument.
Result<LookupSetting> parse_copied_lookup(std::string_view value);

// ENOTSUP if the lookup needs a module that context.modules lacks. The error names the place of the
// setting.
Result<std::unique_ptr<Lookup>> make_lookup(const LookupSetting& setting,
                                            const LookupContext& context);

// Each is defined in its own file.
Maker make_any_lookup, make_dovecot_lookup, make_file_lookup, make_mailbox_lookup,
    make_passwd_lookup, make_socketmap_lookup;

}  // namespace handoff::recipients
