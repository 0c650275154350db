// Users and groups, and how the process irrevocably becomes one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.hh"

namespace handoff::sys {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// By name or number. An empty `group` means the user's primary group. ENOENT if there is no such
// user or group. May block on NSS.
Result<Account> find_account(const std::string& user, const std::string& group);
Result<gid_t> find_group(const std::string& group);

struct Person {
  Account account;
  std::string home;
};
// Returns the user of exactly that name, never a number; nothing if the system is certain that
// there is none. May block for as long as NSS does.
Result<std::optional<Person>> find_person(const std::string& name);

// Becomes the account with its supplementary groups, and checks that root cannot be regained. Does
// nothing if the process already is that user; requires root otherwise.
Status become(const Account& account);

bool is_root();

}  // namespace handoff::sys
