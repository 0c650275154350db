// From the detail of user+detail to a Maildir++ folder (R3). The gate through which a name that a
// peer chose becomes one in a mailbox: it is a plain name with a dot before it, whatever came in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/recipient_rules.hh"

namespace handoff::recipients {

// The folder's name without its leading dot. A dot in `detail` is the one between a folder and the
// folder in it. Nothing where it names the inbox ("INBOX" in any case of letters), or no folder
// that IMAP could show: one with '/' or a control character, with an empty part, longer than a
// file's name, or not UTF-8.
std::optional<std::string> folder_name(std::string_view detail, FolderEncoding encoding);

// A mailbox with so many folders gets no more of them from strangers.
inline constexpr int kMostFolders = 500;

}  // namespace handoff::recipients
