// The doctor's look at the user that delivers.
#pragma once

#include <optional>

#include "conf/config.hh"
#include "ctl/report.hh"
#include "sys/account.hh"

namespace handoff::ctl {

// Becomes the user that delivers, for good, where there is one: the spool is looked at with its
// rights alone. Returns whether it can be looked at; `user` is nothing where handoffd would run as
// whoever starts it.
bool take_user(const conf::Config& config, std::optional<sys::Account>& user, Report& report);

}  // namespace handoff::ctl
