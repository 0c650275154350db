#include "delivery/as_owner.hh"

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hh"
#include "delivery/writer_options.hh"
#include "recipients/folder.hh"
#include "spool/mailbox_writer.hh"
#include "sys/process.hh"

namespace handoff::delivery {
namespace {

spool::WriterOptions options_of(const conf::Config& config, const sys::Log& log,
                                std::optional<bool> shared) {
  auto options = writer_options(config, log);
  options.shared = shared;
  options.directories_exist = true;  // place.hh
  return options;
}

}  // namespace

Outcome as_owner(const conf::Config& config, const sys::Log& log, sys::Files& files,
                 const sys::Fd& spool, std::optional<bool> shared, const Request& request,
                 const sys::Fd& file) {
  spool::NameMaker names(sys::host_name());
  spool::MailboxWriter writer(files, spool, names, options_of(config, log, shared));
  spool::Staged staged{request.name, request.size, request.content_offset,
                       nullptr,      &file,        request.stored_as};
  auto mailbox = request.mailbox;
  Outcome outcome;
  switch (request.verb) {
    case Verb::kChooseFolder:
      recipients::choose_folder(files, spool, config.recipient_rules(), mailbox, request.detail);
      outcome.folder = mailbox.folder;
      outcome.create_folder = mailbox.create_folder;
      return outcome;
    case Verb::kInspect:
      outcome.inspection = inspect(files, spool, writer.quotas(), mailbox, request.size);
      return outcome;
    case Verb::kFindEarlier: {
      std::vector<std::string> earlier;
      for (auto name : split(request.earlier, '\n')) earlier.emplace_back(name);
      auto found = writer.find_earlier(staged, mailbox, earlier);
      if (!found) return failed(found.error());
      outcome.found = found.value();
      return outcome;
    }
    case Verb::kDeliver: {
      auto delivered = writer.deliver(staged, mailbox, request.personal, request.flags);
      if (!delivered) return failed(delivered.error());
      outcome.delivered = std::move(delivered).value();
      return outcome;
    }
    case Verb::kOpenScript: {
      auto script = files.open_followed(request.path);
      if (!script) return failed(script.error());
      outcome.script = std::make_shared<sys::Fd>(std::move(script).value());
      return outcome;
    }
    case Verb::kFindFolder:
      outcome.usable = recipients::find_folder(files, spool, config.recipient_rules(), mailbox,
                                               request.detail, request.mailbox.create_folder);
      outcome.folder = mailbox.folder;
      outcome.create_folder = mailbox.create_folder;
      return outcome;
    case Verb::kRemove:
      writer.remove(staged, mailbox, request.file);
      return outcome;
    case Verb::kWriteNote: {
      auto written = files.write_note(request.path, request.text);
      if (!written) return failed(written.error());
      return outcome;
    }
  }
  return failed(explained(EBADMSG, "no such request"));
}

}  // namespace handoff::delivery
