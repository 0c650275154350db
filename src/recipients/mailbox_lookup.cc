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
  if (auto mounted = check_mounted(mailbox->path); !mounted) return mounted.error();
  return Answer();
}

// Where not a single mailbox lies beside the one that is missing, in the spool or in the directory
// of a domain, it looks like a filesystem that is not mounted: nobody would exist there, and all
// mail would bounce. It waits instead.
Status MailboxLookup::check_mounted(std::string path) {
  while (path.find('/') != path.npos) {
    path.resize(path.rfind('/'));
    auto parent = ground_.files.open_directory(ground_.spool, path);
    if (parent) return check_not_empty(parent.value(), path);
    if (parent.error().code != ENOENT) return parent.error();
  }
  return check_not_empty(ground_.spool, {});
}

Status MailboxLookup::check_not_empty(const sys::Fd& directory, const std::string& path) {
  auto names = ground_.files.list(directory);
  if (!names) return names.error();
  bool empty =
      std::ranges::all_of(names.value(), [](const std::string& name) { return name[0] == '.'; });
  if (empty) return Error{ENODEV, "not a single mailbox: is it mounted?", path};
  return {};
}

}  // namespace handoff::recipients
