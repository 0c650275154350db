// Enumerations for settings that have a fixed set of values.
#pragma once

namespace handoff {

// spool.delivered-to: when to write Delivered-To:. kAuto: if the message goes to one mailbox.
// kAlways: if it goes to several mailboxes, each gets its own copy, so that each can have the
// field.
enum class DeliveredTo { kAuto, kAlways, kNever };

// spool.sync. kAuto: the fewest calls that suffice on this filesystem (sys/filesystem.hh). kPlain:
// sync each file and each directory.
enum class Sync { kAuto, kPlain };

// spool.folder-encoding: how non-ASCII folder names are written on disk.
enum class FolderEncoding {
  kUtf7,  // modified UTF-7, as in Dovecot, and in Courier-IMAP before 5.0
  kUtf8,  // as in current Courier, and in Dovecot if its mail_location ends in :UTF-8
};

}  // namespace handoff
