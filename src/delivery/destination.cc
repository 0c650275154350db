#include "delivery/destination.hh"

#include <cerrno>
#include <string_view>
#include <vector>

#include "delivery/authority.hh"
#include "recipients/folder.hh"
#include "spool/message.hh"
#include "sys/process.hh"

namespace handoff::delivery {

Status Destination::check_quota(std::uint64_t size) {
  if (!quotas_.limits_of(mailbox_).any()) return {};
  auto state = quota(size);
  if (!state) return state.error();
  if (!state.value()) return {};
  auto room = spool::Quotas::check(*state.value(), size);
  if (room) return room;
  auto error = room.error();
  error.path = mailbox_.name();
  return error;
}

// A mailbox of this process's user.
class Destinations::OwnMailbox final : public Destination {
 public:
  OwnMailbox(Destinations& all, Mailbox mailbox)
      : Destination(std::move(mailbox), all.quotas_), all_(all) {}

  Status choose_folder(const std::string& detail) override {
    recipients::choose_folder(all_.files_, all_.root_, all_.rules_, mailbox_, detail);
    return {};
  }
  Result<Inspection> inspect(std::uint64_t size) override {
    return delivery::inspect(all_.files_, all_.root_, quotas_, mailbox_, size);
  }
  bool may_hang() const override { return false; }

  Result<std::optional<spool::Delivered>> link(spool::Message& message,
                                               std::string_view personal) override {
    return message.link_into(mailbox_, personal);
  }
  Result<spool::Delivered> deliver(spool::Message& message, std::string_view personal) override {
    return message.write_into(mailbox_, personal);
  }

  Result<sys::Fd> open_script(const std::string& path) override {
    return all_.files_.open_followed(path);
  }
  Result<bool> find_folder(Mailbox& mailbox, const std::string& name, bool create) override {
    return recipients::find_folder(all_.files_, all_.root_, all_.rules_, mailbox, name, create);
  }
  Status write_note(const std::string& path, const std::string& text) override {
    return all_.files_.write_note(path, text);
  }
  Result<std::optional<spool::Delivered>> find_earlier(spool::Message& message) override {
    return message.find_earlier_here(mailbox_);
  }
  Result<std::optional<spool::Delivered>> link_order(spool::Message& message,
                                                     const spool::Order& order,
                                                     std::string_view personal) override {
    return message.link_order(order, personal);
  }
  Result<spool::Delivered> deliver_order(spool::Message& message, const spool::Order& order,
                                         std::string_view personal) override {
    return message.write_order(order, personal);
  }

 private:
  Result<std::optional<spool::QuotaState>> quota(std::uint64_t size) override {
    auto state = quotas_.state(mailbox_, size);
    // If the mailbox has a fault, the delivery will report it.
    return state ? std::optional(state.value()) : std::optional<spool::QuotaState>();
  }

  Destinations& all_;
};

// A mailbox of another user. The worker's delivery process writes to it as that user.
class Destinations::OwnersMailbox final : public Destination {
 public:
  OwnersMailbox(Destinations& all, Mailbox mailbox)
      : Destination(std::move(mailbox), all.quotas_), all_(all) {}

  Status choose_folder(const std::string& detail) override {
    if (auto allowed = check_owner(*mailbox_.owner, all_.config_); !allowed) {
      auto error = allowed.error();
      error.path = mailbox_.name();
      return error;
    }
    if (!all_.client_) return no_process();
    auto is_folder = [&](const std::string& name) {
      return recipients::folder_name(name, all_.rules_.folder_encoding).has_value();
    };
    if (is_folder(detail) || is_folder(mailbox_.folder)) {
      return all_.client_->choose_folder(mailbox_, detail);
    }
    mailbox_.folder.clear();
    return {};
  }
  Result<Inspection> inspect(std::uint64_t size) override {
    if (!all_.client_) return no_process();
    return all_.client_->inspect(mailbox_, size);
  }
  bool may_hang() const override { return true; }

  Result<spool::Delivered> deliver(spool::Message& message, std::string_view personal) override {
    auto earlier = find_earlier(message);
    if (!earlier) return earlier.error();
    if (earlier.value()) return *std::move(earlier).value();
    return Writer(*this, message).deliver(message.staged(), mailbox_, personal, {});
  }

  Result<sys::Fd> open_script(const std::string& path) override {
    if (!all_.client_) return no_process();
    return all_.client_->open_script(mailbox_, path);
  }
  Result<bool> find_folder(Mailbox& mailbox, const std::string& name, bool create) override {
    if (!all_.client_) return no_process();
    return all_.client_->find_folder(mailbox, name, create);
  }
  Status write_note(const std::string& path, const std::string& text) override {
    if (!all_.client_) return no_process();
    return all_.client_->write_note(mailbox_, path, text);
  }
  Result<std::optional<spool::Delivered>> find_earlier(spool::Message& message) override {
    if (!all_.client_) return no_process();
    return message.find_earlier(mailbox_, [&](const std::vector<std::string>& names) {
      return Writer(*this, message).find_earlier(message.staged(), mailbox_, names);
    });
  }
  Result<spool::Delivered> deliver_order(spool::Message& message, const spool::Order& order,
                                         std::string_view personal) override {
    if (!all_.client_) return no_process();
    Writer writer(*this, message);
    return message.write_order(order, personal, writer);
  }

 private:
  // Has the delivery process write the copies.
  class Writer final : public spool::CopyWriter {
   public:
    Writer(OwnersMailbox& of, spool::Message& message) : of_(of), message_(message) {}

    Result<std::optional<spool::EarlierCopy>> find_earlier(
        const spool::Staged& staged, const Mailbox& mailbox,
        const std::vector<std::string>& names) override {
      sys::Fd opened;
      auto source = with_file(staged, opened);
      if (!source) return source.error();
      return of_.all_.client_->find_earlier(source.value(), mailbox, names);
    }
    Result<spool::Delivered> deliver(const spool::Staged& staged, const Mailbox& mailbox,
                                     std::string_view personal,
                                     const spool::Flags& flags) override {
      if (!of_.all_.client_) return of_.no_process();
      sys::Fd opened;
      auto source = with_file(staged, opened);
      if (!source) return source.error();
      bool is_uncertain = false;
      auto delivered =
          of_.all_.client_->deliver(source.value(), mailbox, personal, flags, is_uncertain);
      if (is_uncertain) of_.note_uncertain(message_, mailbox);
      return delivered;
    }
    // If the process cannot remove it, a retry looks for it.
    void remove(const spool::Staged& staged, const Mailbox& mailbox,
                const std::string& file) override {
      sys::Fd opened;
      auto source = with_file(staged, opened);
      auto removed =
          source ? of_.all_.client_->remove(source.value(), mailbox, file) : Status(source.error());
      if (!removed) of_.note_uncertain(message_, mailbox);
    }

   private:
    Result<spool::Staged> with_file(spool::Staged staged, sys::Fd& opened) {
      auto file = staged.open(of_.all_.files_, opened);
      if (!file) return file.error();
      staged.file = file.value();
      return staged;
    }

    OwnersMailbox& of_;
    spool::Message& message_;
  };

  Error no_process() const {
    return explained(
        EPERM,
        "the mailbox belongs to a user other than the one handoffd runs as, and only a handoffd "
        "that root has started can deliver as its owner",
        mailbox_.name(), Reason::kNotOurs);
  }
  Result<std::optional<spool::QuotaState>> quota(std::uint64_t size) override {
    auto found = inspect(size);
    if (!found) return found.error();
    return found.value().quota;
  }
  // A killed process may have linked the file into the mailbox. The client sends the message again,
  // and the retry then looks for it.
  void note_uncertain(spool::Message& message, const Mailbox& mailbox) {
    if (auto noted = message.note_uncertain(mailbox); !noted) {
      all_.log_.error("cannot prepare for a retry of the message",
                      {{"id", message.id()}, {"cause", noted.error().describe()}});
    }
  }

  Destinations& all_;
};

std::unique_ptr<Destination> Destinations::of(Mailbox mailbox) {
  if (sys::is_anothers(mailbox)) return std::make_unique<OwnersMailbox>(*this, std::move(mailbox));
  return std::make_unique<OwnMailbox>(*this, std::move(mailbox));
}

}  // namespace handoff::delivery
