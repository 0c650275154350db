#include "lmtp/failure.hh"

#include <cerrno>

namespace handoff::lmtp {
namespace {

// RFC 3463 3.4: X.3.1 mail system full, X.3.0 other mail system status; 3.3: X.2.2 mailbox full,
// X.2.0 other mailbox status.
constexpr FailureRow kTable[] = {
    {ENOSPC, {452, "4.3.1", "no space left on the mail spool", "no_room"}},
    {EDQUOT, {452, "4.2.2", "the mailbox is over its disk quota", "quota"}},
    {EFBIG, {452, "4.3.1", "message too large for the mail spool's filesystem", "storage"}},
    {ENOENT, {451, "4.2.0", "the mailbox does not exist at the moment", "storage"}},
    {ENOTDIR, {451, "4.2.0", "the mailbox is not a directory", "storage"}},
    {ELOOP, {451, "4.2.0", "the mailbox's path contains a symbolic link", "storage"}},
    {EXDEV, {451, "4.2.0", "the mailbox's path leaves the mail spool", "storage"}},
    {EACCES, {451, "4.3.0", "no permission to write to the mailbox", "storage"}},
    {EPERM, {451, "4.3.0", "no permission to write to the mailbox", "storage"}},
    {EROFS, {451, "4.3.0", "the mail spool is read-only", "storage"}},
    {EIO, {451, "4.3.0", "input/output error on the mail spool", "storage"}},
    {ESTALE, {451, "4.3.0", "stale file handle on the mail spool's file server", "storage"}},
    {ETIMEDOUT, {451, "4.3.0", "the mail spool does not answer", "storage"}},
    {EMFILE, {451, "4.3.0", "out of file descriptors", "storage"}},
    {ENFILE, {451, "4.3.0", "out of file descriptors", "storage"}},
    {ENOMEM, {451, "4.3.0", "out of memory", "storage"}},
};
constexpr Phrase kOther{451, "4.3.0", "local error in delivery, see the log", "storage"};
constexpr Phrase kSpoolReplaced{
    451, "4.3.0", "the directory of the mail spool was replaced, try again", "storage"};
constexpr Phrase kSpoolMissing{451, "4.3.0",
                               "the directory of the mail spool is missing, try again", "storage"};
constexpr Phrase kFolderGone{
    451, "4.3.0", "the folder .handoff of the mail spool was removed, try again", "storage"};
constexpr Phrase kLookup{451, "4.3.0", "the recipient cannot be looked up at the moment", "lookup"};

}  // namespace

std::span<const FailureRow> failure_table() { return kTable; }

Reply reply_to(const Error& error) {
  if (error.reason == Reason::kSpoolReplaced) return Reply(kSpoolReplaced);
  if (error.reason == Reason::kSpoolMissing) return Reply(kSpoolMissing);
  if (error.reason == Reason::kSpoolFolderGone) return Reply(kFolderGone);
  for (const auto& row : kTable) {
    if (row.code == error.code) return Reply(row.phrase);
  }
  return Reply(kOther);
}

Reply reply_to_lookup_failure() { return Reply(kLookup); }

}  // namespace handoff::lmtp
