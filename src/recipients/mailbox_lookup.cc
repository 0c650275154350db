// recipients.lookup = mailbox: a recipient exists if its mailbox exists.
#include <algorithm>

#include "recipients/kinds.hh"

#include "recipients/layout.hh"

namespace handoff::recipients {
namespace {

class MailboxLookup final : public Lookup {
 public:
  explicit MailboxLookup(const LookupContext& context) : context_(context) {}
  Result<Answer> find(const Address& address) override;

 private:
  Status check_mounted(std::string path);
  Status check_not_empty(const sys::Fd& directory, const std::string& path);
  LookupContext context_;
};

Result<Answer> MailboxLookup::find(const Address& address) {
  auto mailbox = mailbox_by_layout(context_.layout, address);
  if (!mailbox) return Answer();
  auto directory = context_.files.open_directory(context_.spool, mailbox->path);
  if (directory) return Answer(std::move(*mailbox));
  // Only "no such name", or a name that no file can have, means that there is no such recipient. A
  // link, a file, missing permission or a disk failure is a temporary failure.
  if (directory.error().code == ENAMETOOLONG) return Answer();
  if (directory.error().code == ELOOP) {
    return explained(ELOOP, "the path contains a symbolic link; move the directory to its place",
                     mailbox->path);
  }
  if (directory.error().code != ENOENT) return directory.error();
  if (auto mounted = check_mounted(mailbox->path); !mounted) return mounted.error();
  return Answer();
}

// If there is not a single mailbox beside the missing one, in the spool or in the directory of a
// domain, a filesystem is probably not mounted. Without this check nobody would exist and all mail
// would bounce; so it is a temporary failure.
Status MailboxLookup::check_mounted(std::string path) {
  while (path.find('/') != path.npos) {
    path.resize(path.rfind('/'));
    auto parent = context_.files.open_directory(context_.spool, path);
    if (parent) return check_not_empty(parent.value(), path);
    if (parent.error().code != ENOENT) return parent.error();
  }
  return check_not_empty(context_.spool, {});
}

Status MailboxLookup::check_not_empty(const sys::Fd& directory, const std::string& path) {
  auto names = context_.files.list(directory);
  if (!names) return names.error();
  bool empty =
      std::ranges::all_of(names.value(), [](const std::string& name) { return name[0] == '.'; });
  if (empty) return explained(ENODEV, "no mailbox at all; is the filesystem mounted?", path);
  return {};
}

}  // namespace

Result<std::unique_ptr<Lookup>> make_mailbox_lookup(const std::string&,
                                                    const LookupContext& context) {
  return std::unique_ptr<Lookup>(std::make_unique<MailboxLookup>(context));
}

}  // namespace handoff::recipients
