#include "recipients/mailbox_lookup.hh"

#include <algorithm>

#include "recipients/layout.hh"

namespace handoff::recipients {

Result<Answer> MailboxLookup::find(const Address& address) {
  auto mailbox = mailbox_by_layout(ground_.layout, address);
  if (!mailbox) return Answer();
  auto directory = ground_.files.open_directory(ground_.spool, mailbox->path);
  if (directory) return Answer(std::move(*mailbox));
  // Only "no such name" means that nobody is there; a link, a file, a permission or a disk in the
  // way means that we cannot tell.
  if (directory.error().code != ENOENT) return directory.error();
  if (auto mounted = check_mounted(); !mounted) return mounted.error();
  return Answer();
}

// A spool without a single mailbox looks like a filesystem that is not mounted: then nobody would
// exist, and all mail would bounce. It waits instead.
Status MailboxLookup::check_mounted() {
  auto names = ground_.files.list(ground_.spool);
  if (!names) return names.error();
  bool empty =
      std::ranges::all_of(names.value(), [](const std::string& name) { return name[0] == '.'; });
  if (empty) return Error{ENODEV, "no mailbox in the whole spool: is it mounted?", {}};
  return {};
}

}  // namespace handoff::recipients
