#include "spool/folder.hh"

#include <algorithm>
#include <string_view>

#include "spool/maildir.hh"

namespace handoff::spool {
namespace {

// The maximum size of a subscription list, octets. No person has a longer one.
constexpr std::size_t kMaxList = 1 << 20;
// The start of Dovecot's current list, in which tabs separate the parts of a name, whatever the
// separator in IMAP is. The older format has the directory name of one folder per line.
constexpr std::string_view kVersion2 = "V\t2\n\n";

struct List {
  const char* name;
  const char* lock;  // Dovecot's lock file, to which it also writes the new list before renaming it
  const char* prefix;  // precedes each name
  bool make;           // create the list if it is missing
};
constexpr List kLists[] = {
    {"subscriptions", "subscriptions.lock", "", true},
    {"courierimapsubscribed", "courierimapsubscribed.lock", "INBOX.", false},
};

Result<std::string> read_all(sys::Files& files, const sys::Fd& at, const std::string& name) {
  auto file = files.open_file(at, name);
  if (!file) return file.error();
  auto info = files.info(file.value());
  if (!info) return info.error();
  if (!info.value().is_regular || info.value().size > kMaxList) return Error{EFBIG, "read", name};
  std::string text(info.value().size, '\0');
  auto n = files.read_at(file.value(), 0, text.data(), text.size());
  if (!n) return n.error();
  text.resize(n.value());
  return text;
}

bool has_line(std::string_view text, std::string_view line) {
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    if (text.substr(0, end) == line) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

// Returns the list with the folder added to `old`; equal to `old` if nothing changes.
std::string with_folder(const List& list, std::string old, const std::string& folder) {
  std::string line = list.prefix + folder;
  if (old.starts_with(kVersion2)) std::ranges::replace(line, '.', '\t');
  if (has_line(old, line)) return old;
  if (!old.empty() && old.back() != '\n') old += '\n';
  return old + line + "\n";
}

// The list is not mail: after any failure it stays as it was. An existing lock means that another
// program is writing the list; only the mail client can decide whether the lock was abandoned.
void subscribe(sys::Files& files, const sys::Fd& mailbox, const List& list,
               const std::string& folder, const Access& access) {
  auto lock = create_file(files, mailbox, list.lock, access);
  if (!lock) return;
  auto old = read_all(files, mailbox, list.name);
  bool missing = !old && old.error().code == ENOENT && list.make;
  if (old || missing) {
    auto before = old ? old.value() : std::string();
    auto text = with_folder(list, before, folder);
    bool written = text != before && files.write(lock.value(), text) &&
                   files.sync_data(lock.value()) && files.close(std::move(lock).value());
    if (written && files.rename(mailbox, list.lock, mailbox, list.name)) return;
  }
  static_cast<void>(files.unlink(mailbox, list.lock).ok());
}

}  // namespace

Status make_folder(sys::Files& files, const sys::Fd& mailbox, const std::string& folder) {
  auto access = access_in(files, mailbox);
  if (!access) return access.error();
  auto made = make_directory(files, mailbox, "." + folder, access.value());
  if (!made && made.error().code != EEXIST) return made;
  if (auto synced = files.sync_directory(mailbox); !synced) return synced;
  if (!made) return {};
  for (const auto& list : kLists) subscribe(files, mailbox, list, folder, access.value());
  return {};
}

Status mark_folder(sys::Files& files, const sys::Fd& place) {
  auto access = access_in(files, place);
  if (!access) return access.error();
  auto made = create_file(files, place, "maildirfolder", access.value());
  if (!made && made.error().code != EEXIST) return made.error();
  return {};
}

}  // namespace handoff::spool
