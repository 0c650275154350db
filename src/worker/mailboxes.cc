#include "worker/mailboxes.hh"

#include <cerrno>

#include "delivery/authority.hh"
#include "recipients/folder.hh"
#include "spool/name.hh"
#include "spool/quota_book.hh"
#include "sys/process.hh"

namespace handoff::worker {
namespace {

Error no_process(const Mailbox& mailbox) {
  return {EPERM,
          "the mailbox belongs to another user than handoffd runs as, and only a handoffd that "
          "root has started can deliver as its owner",
          mailbox.name()};
}

}  // namespace

Result<std::optional<spool::Delivered>> Mailboxes::link(const spool::Staging& staging,
                                                        const Mailbox& mailbox,
                                                        std::string_view personal) {
  if (sys::is_anothers(mailbox)) return std::optional<spool::Delivered>();
  return spool_.link(staging, mailbox, personal);
}

Status Mailboxes::check_quota(const Mailbox& mailbox, std::uint64_t size) {
  if (!sys::is_anothers(mailbox)) return spool_.check_quota(mailbox, size);
  if (!client_) return {};
  auto look = client_->look(mailbox, size);
  if (!look) return look.error();
  // Delivery will tell what is wrong with a mailbox whose quota cannot be told.
  if (!look.value().quota) return {};
  auto room = spool::QuotaBook::check(*look.value().quota, size);
  return room ? room : Error{room.error().code, room.error().what, mailbox.name()};
}

Result<spool::Delivered> Mailboxes::commit(const spool::Staging& staging, const Mailbox& mailbox,
                                           std::string_view personal) {
  if (!sys::is_anothers(mailbox)) return spool_.commit(staging, mailbox, personal);
  if (!client_) return no_process(mailbox);
  return commit_as_owner(staging, mailbox, personal);
}

Result<spool::Delivered> Mailboxes::commit_as_owner(const spool::Staging& staging,
                                                    const Mailbox& mailbox,
                                                    std::string_view personal) {
  auto file = files_.open_file(staging.directory(), staging.name());
  if (!file) return file.error();
  spool::Staged staged{file.value(), staging.name(), staging.size(), staging.content_offset()};
  auto earlier = spool_.find_earlier(staging, mailbox, [&](const std::vector<std::string>& names) {
    return client_->find_earlier(staged, mailbox, names);
  });
  if (!earlier) return earlier.error();
  if (earlier.value()) return spool::Delivered{*earlier.value(), staging.size(), false, true};
  bool doubtful = false;
  auto delivered = client_->deliver(staged, mailbox, personal, doubtful);
  if (!delivered && doubtful) {
    // What was killed may have given the file its name. The client comes again, and then this
    // message is looked for.
    if (auto noted = spool_.doubt(staging, mailbox); !noted) {
      log_.error("cannot guard against a retry",
                 {{"id", spool::id_of(staging.name())}, {"cause", noted.error().describe()}});
    }
  }
  return delivered;
}

Status Mailboxes::choose_folder(Mailbox& mailbox, const std::string& detail) {
  if (!client_) return no_process(mailbox);
  if (auto allowed = delivery::check_owner(*mailbox.owner, config_); !allowed) {
    auto error = allowed.error();
    error.path = mailbox.name();
    return error;
  }
  auto encoding = config_.recipient_rules().folder_encoding;
  if (!recipients::folder_name(detail, encoding) &&
      !recipients::folder_name(mailbox.folder, encoding)) {
    mailbox.folder.clear();
    return {};
  }
  return client_->choose_folder(mailbox, detail);
}

}  // namespace handoff::worker
