// Where the Sieve scripts of a recipient are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/mailbox.hh"

namespace handoff::recipients {

// Returns the home of the mailbox's owner, as the lookup says; otherwise the mailbox itself.
// `spool` is spool.path.
std::string home_of(const Mailbox& mailbox, std::string_view spool);

// Expands a template (sieve.script, sieve.include-directory) for the recipient of the mailbox.
// Returns nothing if the address does not yield a path of plain names.
std::optional<std::string> script_path(std::string_view path, const Mailbox& mailbox,
                                       std::string_view spool);

// Returns the recipient's own script: the one that the lookup names, otherwise `path`, expanded.
std::optional<std::string> personal_script(std::string_view path, const Mailbox& mailbox,
                                           std::string_view spool);

}  // namespace handoff::recipients
