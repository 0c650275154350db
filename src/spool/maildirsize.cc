#include "spool/maildirsize.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hh"
#include "spool/maildir.hh"

namespace handoff::spool {
namespace {

constexpr char kName[] = "maildirsize";
// From the specification of Maildir++.
constexpr std::size_t kMaxFile = 5120;  // octets
constexpr std::chrono::minutes kStale{15};
// A mailbox that changes constantly is counted at most this often; then the last result is used.
constexpr int kCounts = 3;

// Parses "1000S,5C". Returns nothing for another order, another letter, or a malformed number.
std::optional<QuotaLimits> parse_limits(std::string_view line) {
  QuotaLimits limits;
  for (std::string_view part : split(line, ',')) {
    if (part.empty()) return std::nullopt;
    auto number = parse_number(part.substr(0, part.size() - 1));
    if (!number || (part.back() != 'S' && part.back() != 'C')) return std::nullopt;
    (part.back() == 'S' ? limits.size : limits.messages) = *number;
  }
  return limits;
}

// In exactly the form that Dovecot writes.
std::string text_of(const QuotaLimits& limits) {
  std::string text;
  if (limits.size != 0 || limits.messages == 0) text = std::to_string(limits.size) + "S";
  if (limits.messages != 0) {
    text += (text.empty() ? "" : ",") + std::to_string(limits.messages) + "C";
  }
  return text;
}

// Removes a signed number, with spaces before it, from the front of `line`.
std::optional<std::int64_t> take_number(std::string_view& line) {
  while (line.starts_with(' ')) line.remove_prefix(1);
  std::int64_t number = 0;
  auto [end, fault] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (fault != std::errc()) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return number;
}

struct Sums {
  QuotaUse use;
  std::size_t lines = 0;
};

// Returns nothing if the text is malformed or was written for other limits.
std::optional<Sums> parse(std::string_view text, const QuotaLimits& limits) {
  auto complete = text.rfind('\n');  // an incomplete line is still being written
  if (complete == text.npos) return std::nullopt;
  auto lines = split(text.substr(0, complete), '\n');
  if (parse_limits(lines.front()) != limits) return std::nullopt;
  std::int64_t size = 0;
  std::int64_t messages = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto octets = take_number(lines[i]);
    auto count = take_number(lines[i]);
    if (!octets || !count || __builtin_add_overflow(size, *octets, &size) ||
        __builtin_add_overflow(messages, *count, &messages)) {
      return std::nullopt;
    }
  }
  if (lines.size() < 2 || size < 0 || messages < 0) return std::nullopt;
  return Sums{{static_cast<std::uint64_t>(size), static_cast<std::uint64_t>(messages)},
              lines.size() - 1};
}

// Returns the size in "…,S=1234:2,S" or "…,S=1234,W=1250".
std::optional<std::uint64_t> size_in_name(std::string_view name) {
  auto at = name.find(",S=");
  if (at == name.npos) return std::nullopt;
  auto digits = name.substr(at + 3);
  return parse_number(digits.substr(0, digits.find_first_of(":,")));
}

// A directory that is counted, and when it last changed.
struct Counted {
  std::string path;  // relative to the mailbox
  std::chrono::system_clock::time_point changed;
  bool operator==(const Counted&) const = default;
};

// Returns these directories of the mailbox and its folders. Calls `look` with each one after its
// time was read. Only one is open at a time, however many folders there are.
template <class Look>
Result<std::vector<Counted>> each_counted(sys::Files& files, const sys::Fd& mailbox, Look look) {
  std::vector<Counted> list;
  auto names = files.list(mailbox);
  if (!names) return names.error();
  std::vector<std::string> folders{""};
  for (const auto& name : names.value()) {
    if (name.starts_with('.')) folders.push_back(name + "/");
  }
  for (const auto& folder : folders) {
    for (const char* part : {"new", "cur"}) {
      auto directory = files.open_directory(mailbox, folder + part);
      if (!directory) {
        int code = directory.error().code;
        if (code == ENOENT || code == ENOTDIR || code == ELOOP) continue;  // not a folder
        return directory.error();
      }
      auto info = files.info(directory.value());
      if (!info) return info.error();
      list.push_back({folder + part, info.value().modified});
      if (auto looked = look(directory.value()); !looked) return looked.error();
    }
  }
  return list;
}

Status count(sys::Files& files, const sys::Fd& directory, QuotaUse& use) {
  auto names = files.list(directory);
  if (!names) return names.error();
  for (const auto& name : names.value()) {
    if (name.starts_with('.')) continue;
    auto size = size_in_name(name);
    if (!size) {
      auto info = files.info_at(directory, name);
      if (!info && info.error().code == ENOENT) continue;  // a reader has removed it
      if (!info) return info.error();
      size = info.value().size;
    }
    use.size += *size;
    ++use.messages;
  }
  return {};
}

struct Count {
  QuotaUse use;
  bool steady = true;  // nothing changed while counting
};

Result<Count> count_all(sys::Files& files, const sys::Fd& mailbox) {
  Count result;
  auto before = each_counted(files, mailbox, [&](const sys::Fd& directory) {
    return count(files, directory, result.use);
  });
  if (!before) return before.error();
  auto after = each_counted(files, mailbox, [](const sys::Fd&) { return Status(); });
  if (!after) return after.error();
  // The order of the folders in the directory does not matter.
  for (auto* list : {&before.value(), &after.value()}) std::ranges::sort(*list, {}, &Counted::path);
  result.steady = before.value() == after.value();
  return result;
}

Status write_new(sys::Files& files, const sys::Fd& mailbox, const std::string& temporary,
                 const std::string& text) {
  auto access = access_in(files, mailbox);
  if (!access) return access.error();
  auto file = create_file(files, mailbox, temporary, access.value());
  if (!file) return file.error();
  auto done = files.write(file.value(), text);
  if (done) done = files.close(std::move(file).value());
  if (done) done = files.rename(mailbox, temporary, mailbox, kName);
  if (!done) static_cast<void>(files.unlink(mailbox, temporary).ok());
  return done;
}

}  // namespace

Result<Maildirsize> read_maildirsize(sys::Files& files, const sys::Fd& mailbox,
                                     const QuotaLimits& limits, std::uint64_t size,
                                     sys::Wall::time_point now) {
  const Maildirsize none{std::nullopt, true};
  auto file = files.open_file(mailbox, kName);
  // A link or a fifo in its place counts as a missing file.
  if (!file && (file.error().code == ENOENT || file.error().code == ELOOP)) return none;
  if (!file) return file.error();
  auto info = files.info(file.value());
  if (!info) return info.error();
  if (!info.value().is_regular || info.value().size >= kMaxFile) return none;
  std::array<char, kMaxFile> text;
  auto n = files.read_at(file.value(), 0, text.data(), text.size());
  if (!n) return n.error();
  auto sums = parse({text.data(), n.value()}, limits);
  if (!sums) return none;
  bool doubtful = sums->lines > 1 || now - info.value().modified > kStale;
  return Maildirsize{sums->use, doubtful && !fits(limits, sums->use, size)};
}

Status add_to_maildirsize(sys::Files& files, const sys::Fd& mailbox, std::uint64_t size) {
  auto file = files.open_to_append(mailbox, kName);
  if (!file && file.error().code == ENOENT) return {};
  if (!file) return file.error();
  auto info = files.info(file.value());
  if (!info) return info.error();
  if (!info.value().is_regular) return explained(EINVAL, "no file", kName);
  auto done = files.write(file.value(), std::to_string(size) + " 1\n");
  if (!done) forget_maildirsize(files, mailbox);
  return done;
}

void forget_maildirsize(sys::Files& files, const sys::Fd& mailbox) {
  static_cast<void>(files.unlink(mailbox, kName).ok());
}

Result<QuotaUse> recount_maildirsize(sys::Files& files, const sys::Fd& mailbox,
                                     const QuotaLimits& limits, const std::string& temporary) {
  for (int tries = 1;; ++tries) {
    auto counted = count_all(files, mailbox);
    if (!counted) return counted.error();
    const auto& use = counted.value().use;
    if (counted.value().steady) {
      auto text = text_of(limits) + "\n" + std::to_string(use.size) + " " +
                  std::to_string(use.messages) + "\n";
      auto written = write_new(files, mailbox, temporary, text);
      if (!written) return written.error();
      return use;
    }
    if (tries == kCounts) {
      forget_maildirsize(files, mailbox);
      return use;
    }
  }
}

}  // namespace handoff::spool
