#include "spool/flags.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "base/text.hh"

namespace handoff::spool {
namespace {

constexpr std::size_t kMostKeywords = 26;           // letters
constexpr std::size_t kLongestKeyword = 64;         // octets
constexpr std::size_t kMaxKeywordList = 256 << 10;  // octets; Dovecot's own list is far shorter
// How often and after which time the list is read again if another process has locked it.
constexpr unsigned kMostTries = 10;
constexpr std::chrono::milliseconds kTryAgain{5};
constexpr const char* kList = "dovecot-keywords";
constexpr const char* kLock = "dovecot-keywords.lock";

constexpr std::array<std::pair<std::string_view, char>, 5> kSystemFlags{{{"\\Draft", 'D'},
                                                                         {"\\Flagged", 'F'},
                                                                         {"\\Answered", 'R'},
                                                                         {"\\Seen", 'S'},
                                                                         {"\\Deleted", 'T'}}};

// RFC 9051 9: flag-keyword is an atom.
bool is_keyword(std::string_view word) {
  return !word.empty() && word.size() <= kLongestKeyword && std::ranges::all_of(word, [](char c) {
    return c > ' ' && c < 127 && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
  });
}

// The list: lines of a number and a keyword.
struct KeywordList {
  std::string text;
  std::array<std::string, kMostKeywords> names;

  explicit KeywordList(std::string octets) : text(std::move(octets)) {
    if (!text.empty() && text.back() != '\n') text += '\n';
    for (auto line : split(text, '\n')) {
      auto blank = line.find(' ');
      auto number = parse_number(line.substr(0, blank));
      if (blank == line.npos || !number || *number >= names.size()) continue;
      names[*number] = line.substr(blank + 1);
    }
  }

  std::optional<char> letter(std::string_view keyword) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (iequals(names[i], keyword)) return static_cast<char>('a' + i);
    }
    return std::nullopt;
  }
  void add(const std::string& keyword) {
    auto free = std::ranges::find(names, "");
    if (free == names.end()) return;
    *free = keyword;
    text += std::to_string(free - names.begin()) + " " + keyword + "\n";
  }
};

std::optional<KeywordList> read_keywords(sys::Files& files, const sys::Fd& place) {
  auto file = files.open_file(place, kList);
  if (!file && file.error().code == ENOENT) return KeywordList({});
  if (!file) return std::nullopt;
  auto info = files.info(file.value());
  if (!info || !info.value().is_regular || info.value().size > kMaxKeywordList) return std::nullopt;
  std::string text(info.value().size, '\0');
  auto n = files.read_at(file.value(), 0, text.data(), text.size());
  if (!n) return std::nullopt;
  text.resize(n.value());
  return KeywordList(std::move(text));
}

// Adds the missing keywords as Dovecot does: holds its lock, writes a new list and renames it into
// place. Sets `locked` if another process has the lock.
std::optional<KeywordList> add_keywords(sys::Files& files, const sys::Fd& place,
                                        const std::vector<std::string>& keywords, bool& locked) {
  auto access = access_in(files, place);
  if (!access) return std::nullopt;
  auto lock = create_file(files, place, kLock, access.value());
  locked = !lock && lock.error().code == EEXIST;
  if (!lock) return std::nullopt;
  auto list = read_keywords(files, place);
  bool written = false;
  if (list) {
    for (const auto& keyword : keywords) {
      if (!list->letter(keyword)) list->add(keyword);
    }
    written = files.write(lock.value(), list->text) && files.sync_data(lock.value()) &&
              files.close(std::move(lock).value()) && files.rename(place, kLock, place, kList);
  }
  if (written) return list;
  static_cast<void>(files.unlink(place, kLock).ok());
  return std::nullopt;
}

}  // namespace

void Flags::add(const Flags& other) {
  letters += other.letters;
  std::ranges::sort(letters);
  letters.erase(std::unique(letters.begin(), letters.end()), letters.end());
  for (const auto& keyword : other.keywords) {
    bool there = std::ranges::any_of(keywords, [&](const auto& k) { return iequals(k, keyword); });
    if (!there && keywords.size() < kMostKeywords) keywords.push_back(keyword);
  }
}

Flags flags_of(const std::vector<std::string>& words) {
  Flags flags;
  for (const auto& word : words) {
    Flags one;
    for (const auto& [name, letter] : kSystemFlags) {
      if (iequals(name, word)) one.letters = letter;
    }
    if (one.letters.empty() && is_keyword(word)) one.keywords.push_back(word);
    flags.add(one);
  }
  return flags;
}

std::string info_suffix(sys::Files& files, const sys::Fd& place, const Flags& flags) {
  auto info = ":2," + flags.letters;
  if (flags.keywords.empty()) return info;
  auto list = read_keywords(files, place);
  auto is_short = [&] {
    return list && std::ranges::any_of(flags.keywords,
                                       [&](const auto& keyword) { return !list->letter(keyword); });
  };
  // Another process may be adding the same ones.
  for (unsigned tries = 0; is_short() && tries < kMostTries; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(kTryAgain);
    bool locked = false;
    if (auto longer = add_keywords(files, place, flags.keywords, locked)) {
      list = std::move(longer);
      break;
    }
    if (!locked) break;
    list = read_keywords(files, place);
  }
  std::string letters;
  for (const auto& keyword : flags.keywords) {
    auto letter = list ? list->letter(keyword) : std::nullopt;
    if (letter) letters += *letter;
  }
  std::ranges::sort(letters);
  return info + letters;
}

}  // namespace handoff::spool
