// Enumerations for settings that have a fixed set of values.
#pragma once

namespace handoff {

// spool.delivered-to: when to write Delivered-To:. kAuto: only if the message goes to one mailbox.
// kAlways: always; each of several mailboxes then gets a copy of its own instead of a link.
enum class DeliveredTo { kAuto, kAlways, kNever };

// spool.sync: how messages are made durable. kAuto: by the fewest calls that suffice on this
// filesystem (sys/filesystem.hh). kPlain: by a sync of each file and each directory.
enum class Sync { kAuto, kPlain };

// spool.folder-encoding: how non-ASCII folder names are written on disk.
enum class FolderEncoding {
  kUtf7,  // modified UTF-7, as in Dovecot, and in Courier-IMAP before 5.0
  kUtf8,  // as in current Courier, and in Dovecot if its mail_location ends in :UTF-8
};

}  // namespace handoff
