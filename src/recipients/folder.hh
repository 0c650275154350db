// Converts the detail of user+detail to the name of a Maildir++ folder (R3). Whatever the peer
// wrote, the result is a plain name; on disk a dot precedes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mailbox.hh"
#include "base/recipient_rules.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::recipients {

// Returns the folder's name without its leading dot. A dot in `detail` separates a folder from its
// subfolder. Returns nothing for the inbox ("INBOX" in any case), and for a name that IMAP cannot
// show: one with '/', a control character or an empty part, one that is too long for a file name,
// or one that is not UTF-8.
std::optional<std::string> folder_name(std::string_view detail, FolderEncoding encoding);
// Returns all names that `detail` may denote: as text, which is Dovecot's interpretation, and, if
// it is modified UTF-7 ("&A5EDkQ-"), decoded, which is Cyrus' interpretation. The last name is the
// one to create.
std::vector<std::string> folder_names(std::string_view detail, FolderEncoding encoding);
// Returns whether two folder names differ only in case.
bool is_same_folder(std::string_view a, std::string_view b, FolderEncoding encoding);

// Mail creates no folders in a mailbox that already has this many.
inline constexpr int kMostFolders = 500;

// Sets the folder of `mailbox` to the first of these that exists or may be created: the peer's
// (`detail`), the lookup's (mailbox.folder, as configured), the inbox. If no folder has exactly
// that name, a folder that differs only in case is used, unless there are several. If a folder
// cannot be used, the message goes to the inbox. `spool` is the root directory of the spool. May
// block.
void choose_folder(sys::Files& files, const sys::Fd& spool, const RecipientRules& rules,
                   Mailbox& mailbox, const std::string& detail);

// Sets the folder of `mailbox` to the one that a script names, in UTF-8: '/' and '.' both separate
// a folder from its subfolder, and "INBOX/" before a name is left out. `create`: create the folder
// if it does not exist. Returns false, and selects the inbox, if it does not exist and must not be
// created. May block.
bool find_folder(sys::Files& files, const sys::Fd& spool, const RecipientRules& rules,
                 Mailbox& mailbox, const std::string& name, bool create);
// Returns the usual names of folders with a special use (RFC 6154), such as "\\Junk"; empty: none
// is known.
std::vector<std::string> usual_folders(std::string_view special_use);
// Reverses folder_name(), for a script: returns "Lists/Gr\u00fcn" or, for the inbox, "INBOX".
std::string folder_text(const std::string& folder, FolderEncoding encoding);

}  // namespace handoff::recipients
