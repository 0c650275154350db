#include "sys/account.hh"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/text.hh"
#include "sys/confinement.hh"

namespace handoff::sys {
namespace {

// Room for one NSS entry. The entry of a group with thousands of members is larger; such a group
// must be configured by its number.
using Buffer = std::array<char, 1 << 16>;

// Parses the number of a user or group. The largest one means "none" to chown and setuid; a larger
// one would be truncated to another id.
std::optional<std::uint32_t> parse_id(const std::string& text) {
  auto number = parse_number(text);
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// Returns whether an error of getpwnam_r or getgrnam_r means that there is no such name: 0 by
// POSIX, the others on some systems.
bool is_absent(int error) { return error == 0 || error == ENOENT || error == ESRCH; }

}  // namespace

Result<gid_t> find_group(const std::string& group) {
  if (auto number = parse_id(group)) return *number;
  Buffer buffer;
  struct group entry {};
  struct group* found = nullptr;
  int error = ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!is_absent(error)) return Error{error, "getgrnam", group};
  if (found == nullptr) return explained(ENOENT, "no such group", group);
  return found->gr_gid;
}

Result<Account> find_account(const std::string& user, const std::string& group) {
  Buffer buffer;
  struct passwd entry {};
  struct passwd* found = nullptr;
  auto number = parse_id(user);
  int error = number ? ::getpwuid_r(*number, &entry, buffer.data(), buffer.size(), &found)
                     : ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!is_absent(error)) return Error{error, "getpwnam", user};
  if (found == nullptr) return explained(ENOENT, "no such user", user);
  Account account{found->pw_name, found->pw_uid, found->pw_gid};
  if (!group.empty()) {
    auto gid = find_group(group);
    if (!gid) return gid.error();
    account.gid = gid.value();
  }
  return account;
}

Result<std::optional<Person>> find_person(const std::string& name) {
  Buffer buffer;
  struct passwd entry {};
  struct passwd* found = nullptr;
  int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  // POSIX: if the function returns 0 and no entry, there is no such user. In glibc any error, even
  // ENOENT, may mean that a name service is down.
  if (error != 0) return Error{error, "getpwnam", name};
  if (found == nullptr) return std::optional<Person>();
  return std::optional(
      Person{{found->pw_name, found->pw_uid, found->pw_gid}, found->pw_dir ? found->pw_dir : ""});
}

Status become(const Account& account) {
  if (::geteuid() == account.uid && ::getegid() == account.gid && account.uid != 0) return {};
  if (::initgroups(account.name.c_str(), account.gid) != 0 || ::setgid(account.gid) != 0 ||
      ::setuid(account.uid) != 0) {
    return Error{errno, "become user", account.name};
  }
  // A process that can regain root has not dropped it.
  if (account.uid != 0 && (::setuid(0) == 0 || ::geteuid() != account.uid)) {
    return Error{EPERM, "drop root for user", account.name};
  }
  hide_memory();
  return {};
}

bool is_root() { return ::geteuid() == 0; }

}  // namespace handoff::sys
