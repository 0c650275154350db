// spool.create-command: the site's own program makes mailboxes.
#pragma once

#include "base/mailbox.hh"
#include "base/result.hh"
#include "conf/config.hh"
#include "sys/log.hh"

namespace handoff::delivery {

// Runs it for `mailbox`, as whoever this process is, and waits for it, a minute at most. The log
// hears what became of it. Requires the setting.
Status create_mailbox(const conf::Config& config, const sys::Log& log, const Mailbox& mailbox);

}  // namespace handoff::delivery
