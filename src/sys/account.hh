// Users and groups, and becoming one for good.
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

// By name or number; `group` empty: the user's own. ENOENT where there is none. May block on NSS.
Result<Account> find_account(const std::string& user, const std::string& group);
Result<gid_t> find_group(const std::string& group);

struct Person {
  Account account;
  std::string home;
};
// The user of that very name, never a number; nothing where the system knows for certain that there
// is none. May block on NSS, for as long as that is configured to.
Result<std::optional<Person>> find_person(const std::string& name);

// Drops to the account, its supplementary groups included, and makes sure that there is no way
// back. Nothing to do where the process already is that user. Requires root otherwise.
Status become(const Account& account);

bool is_root();

}  // namespace handoff::sys
