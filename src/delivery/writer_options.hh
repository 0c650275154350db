// The options for writing mailboxes, from the configuration: the same in workers and delivery
// processes.
#pragma once

#include "conf/config.hh"
#include "spool/mailbox_writer.hh"
#include "sys/log.hh"

namespace handoff::delivery {

// Line ends, quota, and spool.create-command, which runs as this process's user for at most a
// minute, and whose result is logged. `config` and `log` must outlive the options.
spool::WriterOptions writer_options(const conf::Config& config, const sys::Log& log);

}  // namespace handoff::delivery
