// Which folder of a mailbox a message goes to: looked up in the mailbox itself, so by whoever may.
#pragma once

#include <string>

#include "base/mailbox.hh"
#include "base/recipient_rules.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::recipients {

// Sets the folder of `mailbox`: the peer's (`detail`), the lookup's (mailbox.folder, as
// configured), the inbox: the first that is there or may be made. Whatever is wrong with a folder,
// the inbox is there. `spool` is its root. May block.
void choose_folder(sys::Files& files, const sys::Fd& spool, const RecipientRules& rules,
                   Mailbox& mailbox, const std::string& detail);

}  // namespace handoff::recipients
