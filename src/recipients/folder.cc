#include "recipients/folder.hh"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.hh"
#include "base/unicode.hh"
#include "base/utf7.hh"
#include "recipients/layout.hh"

namespace handoff::recipients {
namespace {

constexpr std::size_t kMaxFolder = 254;  // NAME_MAX without the leading dot, octets

// IMAP's LIST uses '*' and '%' as wildcards; Dovecot does not allow names that begin with '~'.
bool is_folder_part(std::string_view part) {
  return is_plain_name(part) && part.front() != '~' &&
         part.find_first_of("*%") == std::string_view::npos;
}

std::string folded(std::string_view name, FolderEncoding encoding) {
  std::string text(name);
  if (encoding == FolderEncoding::kUtf7) text = from_imap_utf7(name).value_or(text);
  return is_utf8(text) ? fold_case(text) : text;
}

}  // namespace

std::optional<std::string> folder_name(std::string_view detail, FolderEncoding encoding) {
  if (!is_utf8(detail)) return std::nullopt;
  auto parts = split(detail, '.');
  if (iequals(parts.front(), "INBOX")) return std::nullopt;
  if (!std::ranges::all_of(parts, is_folder_part)) return std::nullopt;
  auto name = encoding == FolderEncoding::kUtf8 ? to_nfc(detail) : to_imap_utf7(detail);
  if (name.size() > kMaxFolder) return std::nullopt;
  return name;
}

std::vector<std::string> folder_names(std::string_view detail, FolderEncoding encoding) {
  std::vector<std::string> names;
  auto add = [&](std::string_view text) {
    if (auto name = folder_name(text, encoding)) names.push_back(std::move(*name));
  };
  add(detail);
  bool shifted = detail.find('&') != std::string_view::npos;
  if (auto decoded = shifted ? from_imap_utf7(detail) : std::nullopt) add(*decoded);
  return names;
}

bool is_same_folder(std::string_view a, std::string_view b, FolderEncoding encoding) {
  return folded(a, encoding) == folded(b, encoding);
}

namespace {

Result<sys::Fd> open_place(sys::Files& files, const sys::Fd& spool, const Mailbox& mailbox) {
  auto path = mailbox.below_base();
  if (mailbox.base.empty()) return files.open_directory(spool, path);
  auto base = files.open_root(mailbox.base);
  if (!base) return base;
  return files.open_directory(base.value(), path);
}

// Returns the folders of a mailbox, without their dots. ENOENT if the mailbox does not exist yet.
Result<std::vector<std::string>> list_folders(sys::Files& files, const sys::Fd& spool,
                                              const Mailbox& inbox) {
  auto directory = open_place(files, spool, inbox);
  if (!directory) return directory.error();
  auto names = files.list(directory.value());
  if (!names) return names.error();
  std::vector<std::string> folders;
  for (const auto& name : names.value()) {
    auto folder = name.substr(name.starts_with('.') ? 1 : name.size());
    if (is_plain_name(folder)) folders.push_back(std::move(folder));
  }
  return folders;
}

class Chooser {
 public:
  Chooser(sys::Files& files, const sys::Fd& spool, const RecipientRules& rules, Mailbox& mailbox)
      : files_(files), spool_(spool), rules_(rules), mailbox_(mailbox) {}

  // Selects the folder that `wanted` names. Returns false if it does not exist and must not be
  // created.
  bool choose(const std::string& wanted) {
    auto names = folder_names(wanted, rules_.folder_encoding);
    if (names.empty()) return false;
    const auto inbox = mailbox_;
    for (const auto& name : names) {
      mailbox_.folder = name;
      auto opened = open_place(files_, spool_, mailbox_);
      if (opened) return true;
      if (opened.error().code != ENOENT) return false;
    }
    auto folders = list_folders(files_, spool_, inbox);
    if (!folders) {
      // A mailbox that does not exist is created with its first message.
      mailbox_.create_folder = rules_.create_folders && folders.error().code == ENOENT;
      return mailbox_.create_folder;
    }
    std::vector<std::string> similar;
    for (const auto& folder : folders.value()) {
      if (is_similar(folder, names)) similar.push_back(folder);
    }
    if (similar.size() == 1) mailbox_.folder = similar.front();
    mailbox_.create_folder = similar.empty() && rules_.create_folders &&
                             folders.value().size() < std::size_t{kMostFolders};
    return similar.size() == 1 || mailbox_.create_folder;
  }

 private:
  bool is_similar(const std::string& folder, const std::vector<std::string>& names) const {
    return std::ranges::any_of(names, [&](const std::string& name) {
      return is_same_folder(folder, name, rules_.folder_encoding);
    });
  }

  sys::Files& files_;
  const sys::Fd& spool_;
  const RecipientRules& rules_;
  Mailbox& mailbox_;
};

}  // namespace

bool find_folder(sys::Files& files, const sys::Fd& spool, const RecipientRules& rules,
                 Mailbox& mailbox, const std::string& name, bool create) {
  auto wanted = name;
  std::ranges::replace(wanted, '/', '.');
  mailbox.folder.clear();
  mailbox.create_folder = false;
  if (iequals(wanted, "INBOX")) return true;
  if (istarts_with(wanted, "INBOX.")) wanted.erase(0, 6);
  auto own = rules;
  own.create_folders = rules.create_folders || create;
  if (Chooser(files, spool, own, mailbox).choose(wanted)) return true;
  mailbox.folder.clear();
  return false;
}

std::vector<std::string> usual_folders(std::string_view special_use) {
  // The names that mail readers and Dovecot's example configuration use.
  if (iequals(special_use, "\\Junk")) return {"Junk", "Spam"};
  if (iequals(special_use, "\\Trash")) return {"Trash", "Deleted Messages"};
  if (iequals(special_use, "\\Sent")) return {"Sent", "Sent Messages"};
  if (iequals(special_use, "\\Drafts")) return {"Drafts"};
  if (iequals(special_use, "\\Archive")) return {"Archive"};
  return {};
}

std::string folder_text(const std::string& folder, FolderEncoding encoding) {
  if (folder.empty()) return "INBOX";
  auto text = folder;
  if (encoding == FolderEncoding::kUtf7) text = from_imap_utf7(folder).value_or(folder);
  std::ranges::replace(text, '.', '/');
  return text;
}

void choose_folder(sys::Files& files, const sys::Fd& spool, const RecipientRules& rules,
                   Mailbox& mailbox, const std::string& detail) {
  auto configured = std::exchange(mailbox.folder, {});
  Chooser chooser(files, spool, rules, mailbox);
  for (const auto& wanted : {detail, configured}) {
    if (chooser.choose(wanted)) return;
    mailbox.folder.clear();
  }
}

}  // namespace handoff::recipients
