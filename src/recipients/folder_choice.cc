#include "recipients/folder_choice.hh"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "recipients/folder.hh"

namespace handoff::recipients {
namespace {

Result<sys::Fd> open_place(sys::Files& files, const sys::Fd& spool, const Mailbox& mailbox) {
  auto path = mailbox.below_base();
  if (mailbox.base.empty()) return files.open_directory(spool, path);
  auto base = files.open_root(mailbox.base);
  if (!base) return base;
  return files.open_directory(base.value(), path);
}

bool has_room_for_a_folder(sys::Files& files, const sys::Fd& spool, const Mailbox& mailbox) {
  auto directory = open_place(files, spool, mailbox);
  if (!directory) return directory.error().code == ENOENT;  // it is made with its first message
  auto names = files.list(directory.value());
  return names && std::ranges::count_if(names.value(), [](const std::string& name) {
                    return name.starts_with('.');
                  }) < kMostFolders;
}

}  // namespace

void choose_folder(sys::Files& files, const sys::Fd& spool, const RecipientRules& rules,
                   Mailbox& mailbox, const std::string& detail) {
  auto configured = std::exchange(mailbox.folder, {});
  const auto inbox = mailbox;
  for (const auto& wanted : {detail, configured}) {
    auto folder = folder_name(wanted, rules.folder_encoding);
    if (!folder) continue;
    mailbox.folder = *folder;
    auto opened = open_place(files, spool, mailbox);
    if (opened) return;
    mailbox.create_folder = opened.error().code == ENOENT && rules.create_folders &&
                            has_room_for_a_folder(files, spool, inbox);
    if (mailbox.create_folder) return;
  }
  mailbox.folder.clear();
}

}  // namespace handoff::recipients
