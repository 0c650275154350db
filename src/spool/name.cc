#include "spool/name.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <limits>

#include "base/text.hh"
#include "sys/clock.hh"
#include "sys/process.hh"

namespace handoff::spool {

NameMaker::NameMaker(std::string_view host) : random_(sys::random_number()) {
  for (char c : host) {
    if (c == '/') {
      host_ += "\\057";
    } else if (c == ':') {
      host_ += "\\072";
    } else if (c == ',') {
      host_ += "\\054";  // in Dovecot, fields begin with a comma
    } else {
      host_ += c;
    }
  }
}

std::string NameMaker::next() {
  using namespace std::chrono;
  auto now = sys::Wall::now().time_since_epoch();
  auto whole = duration_cast<seconds>(now);
  // Always six digits, so that the names of one process sort by age.
  auto fraction = std::to_string(1000000 + duration_cast<microseconds>(now - whole).count());
  std::array<char, 16> hex;
  std::snprintf(hex.data(), hex.size(), "%08x", random_);
  return std::to_string(whole.count()) + ".M" + fraction.substr(1) + "P" +
         std::to_string(sys::own_pid()) + "Q" + std::to_string(++count_) + "R" + hex.data() + "." +
         host_;
}

std::string_view made_name(std::string_view file) {
  return file.substr(0, file.find_first_of(",:"));
}

std::string id_of(std::string_view name) {
  auto first = name.find('.');
  if (first == name.npos) return std::string(name);
  return std::string(name.substr(0, name.find('.', first + 1)));
}

std::string with_size(std::string_view name, std::uint64_t size) {
  return std::string(name) + ",S=" + std::to_string(size);
}

std::optional<Owner> owner_of(std::string_view name) {
  auto id = id_of(name);
  auto from = id.find('P');
  auto to = id.find('Q');
  if (from == id.npos || to == id.npos || from > to || name.size() <= id.size()) {
    return std::nullopt;
  }
  auto pid = parse_number(std::string_view(id).substr(from + 1, to - from - 1));
  // kill(2) interprets 0 and negative numbers as groups of processes.
  if (!pid || *pid == 0 || *pid > std::numeric_limits<pid_t>::max()) return std::nullopt;
  auto host = name.substr(id.size() + 1);
  std::uint32_t random = 0;
  auto at = id.find('R', to);
  bool has =
      at != id.npos &&
      std::from_chars(id.data() + at + 1, id.data() + id.size(), random, 16).ec == std::errc();
  return Owner{static_cast<pid_t>(*pid), std::string(host.substr(0, host.find(','))),
               has ? std::uint64_t{random} + 1 : 0};
}

bool is_our_name(std::string_view name) {
  auto id = id_of(name);
  std::string_view rest = id;
  auto number = [&](std::string_view before, bool hex) {
    if (!rest.starts_with(before)) return std::size_t{0};
    rest.remove_prefix(before.size());
    auto end = rest.find_first_not_of(hex ? "0123456789abcdef" : "0123456789");
    auto digits = std::min(end, rest.size());
    rest.remove_prefix(digits);
    return digits;
  };
  return number("", false) > 0 && number(".M", false) > 0 && number("P", false) > 0 &&
         number("Q", false) > 0 && number("R", true) == 8 && rest.empty() &&
         name.size() > id.size() + 1;
}

}  // namespace handoff::spool
