#include "spool/folder.hh"

#include <algorithm>
#include <string_view>

namespace handoff::spool {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
// A list of subscriptions that is longer is none of a person's, octets.
constexpr std::size_t kMaxList = 1 << 20;
// How Dovecot's list begins where the parts of a name are parted by tabs, whatever IMAP parts them
// by; the older one has one name a line, as the directory is called.
constexpr std::string_view kVersion2 = "V\t2\n\n";

struct List {
  const char* name;
  const char* lock;    // of Dovecot, whose new list is written there and renamed
  const char* prefix;  // of each name
  bool make;           // where there is none
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

// What is to stand in the list, `old` being there already; the same where nothing is to be done.
std::string with_folder(const List& list, std::string old, const std::string& folder) {
  std::string line = list.prefix + folder;
  if (old.starts_with(kVersion2)) std::ranges::replace(line, '.', '\t');
  if (has_line(old, line)) return old;
  if (!old.empty() && old.back() != '\n') old += '\n';
  return old + line + "\n";
}

// Not mail: whatever goes wrong leaves the list as it was. A lock that is there is another's, who
// is writing just now; an abandoned one is for the reader to judge.
void subscribe(sys::Files& files, const sys::Fd& mailbox, const List& list,
               const std::string& folder) {
  auto lock = files.create(mailbox, list.lock, kFileMode);
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
  auto made = files.make_directory(mailbox, "." + folder, kDirectoryMode);
  if (!made && made.error().code != EEXIST) return made;
  if (auto synced = files.sync_directory(mailbox); !synced) return synced;
  if (!made) return {};
  for (const auto& list : kLists) subscribe(files, mailbox, list, folder);
  return {};
}

Status mark_folder(sys::Files& files, const sys::Fd& place) {
  auto made = files.create(place, "maildirfolder", kFileMode);
  if (!made && made.error().code != EEXIST) return made.error();
  return {};
}

}  // namespace handoff::spool
