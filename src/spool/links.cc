#include "spool/links.hh"

#include "spool/maildir.hh"

namespace handoff::spool {
namespace {

// A name that is taken is another host's with our name, process and random number: once is a
// wonder, more is a fault.
constexpr int kNameTries = 5;

}  // namespace

bool wants_copy(int code) {
  return code == EXDEV || code == EMLINK || code == EPERM || code == EOPNOTSUPP || code == ENOSYS;
}

Result<std::string> link_unique(sys::Files& files, const sys::Fd& at, const std::string& from,
                                const sys::Fd& new_directory, std::string name, std::uint64_t size,
                                NameMaker& names) {
  for (int tries = 1;; ++tries) {
    auto linked = files.link(at, from, new_directory, name);
    if (linked) return name;
    if (linked.error().code != EEXIST || tries == kNameTries) return linked.error();
    name = with_size(names.next(), size);
  }
}

Result<std::optional<std::string>> Links::add(const Staging& staging, const Mailbox& mailbox,
                                              NameMaker& names) {
  auto directory = open_settled_new(*files_, *root_, mailbox);
  if (!directory) return directory.error();
  if (!directory.value()) return std::optional<std::string>();
  auto linked = link_unique(*files_, staging.directory(), staging.name(), *directory.value(),
                            with_size(staging.name(), staging.size()), staging.size(), names);
  if (linked) {
    links_.push_back({mailbox, linked.value()});
    return std::optional(linked.value());
  }
  if (wants_copy(linked.error().code)) return std::optional<std::string>();
  return linked.error();
}

Status Links::sync(Staging& staging) {
  auto synced = staging.sync_names();
  if (!synced) remove_all();
  links_.clear();
  return synced;
}

// After a 4xx the client comes again, and must not find its message there already.
void Links::remove_all() {
  for (const Link& link : links_) {
    auto directory = open_in(*files_, *root_, link.mailbox, "new");
    if (directory) static_cast<void>(files_->unlink(directory.value(), link.name).ok());
  }
}

}  // namespace handoff::spool
