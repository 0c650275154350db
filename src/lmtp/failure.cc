#include "lmtp/failure.hh"

#include <cerrno>

namespace handoff::lmtp {
namespace {

// RFC 3463 3.4: X.3.1 mail system full, X.3.0 other mail system status; 3.3: X.2.2 mailbox full,
// X.2.0 other mailbox status.
constexpr FailureRow kTable[] = {
    {ENOSPC, {452, "4.3.1", "no space left on the mail spool"}},
    {EDQUOT, {452, "4.2.2", "the mailbox is over its disk quota"}},
    {EFBIG, {452, "4.3.1", "message too large for the mail spool's filesystem"}},
    {ENOENT, {451, "4.2.0", "the mailbox is not there at the moment"}},
    {ENOTDIR, {451, "4.2.0", "the mailbox is not a directory"}},
    {ELOOP, {451, "4.2.0", "a symbolic link stands in the mailbox's path"}},
    {EXDEV, {451, "4.2.0", "the mailbox's path leaves the mail spool"}},
    {EACCES, {451, "4.3.0", "no permission to write to the mailbox"}},
    {EPERM, {451, "4.3.0", "no permission to write to the mailbox"}},
    {EROFS, {451, "4.3.0", "the mail spool is read-only"}},
    {EIO, {451, "4.3.0", "input/output error on the mail spool"}},
    {ESTALE, {451, "4.3.0", "the mail spool's file server has lost track"}},
    {ETIMEDOUT, {451, "4.3.0", "the mail spool does not answer"}},
    {EMFILE, {451, "4.3.0", "out of file descriptors"}},
    {ENFILE, {451, "4.3.0", "out of file descriptors"}},
    {ENOMEM, {451, "4.3.0", "out of memory"}},
};
constexpr Phrase kOther{451, "4.3.0", "local error in delivery, see the log"};
constexpr Phrase kLookup{451, "4.3.0", "the recipient cannot be looked up at the moment"};

}  // namespace

std::span<const FailureRow> failure_table() { return kTable; }

Reply reply_to(const Error& error) {
  for (const auto& row : kTable) {
    if (row.code == error.code) return Reply(row.phrase);
  }
  return Reply(kOther);
}

Reply reply_to_lookup_failure() { return Reply(kLookup); }

}  // namespace handoff::lmtp
