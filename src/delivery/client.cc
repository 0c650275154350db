#include "delivery/client.hh"

#include <cerrno>
#include <chrono>

#include "sys/message_socket.hh"

namespace handoff::delivery {
namespace {

// In addition to delivery.timeout, within which the process always answers.
constexpr std::chrono::seconds kAnswerPatience{15};

Request about(Verb verb, const spool::Staged& staged, const Mailbox& mailbox) {
  Request request;
  request.verb = verb;
  request.mailbox = mailbox;
  request.name = staged.name;
  request.size = staged.size;
  request.content_offset = staged.content_offset;
  request.stored_as = staged.stored_as;
  return request;
}

}  // namespace

Outcome Client::ask(const Request& request, const sys::Fd* staged) {
  const Error gone = explained(EPIPE, "the delivery process is gone", request.mailbox.name());
  if (!socket_) return failed(gone);
  auto octets = pack(request);
  if (!octets) return failed(octets.error());
  auto until = sys::Steady::now() + config_.delivery.timeout + kAnswerPatience;
  auto sent = sys::send_message(socket_, octets.value(), staged, until);
  auto answer = sent ? sys::receive_message(socket_, until)
                     : Result<std::optional<sys::Message>>(sent.error());
  if (answer && answer.value()) {
    if (auto outcome = unpack_outcome(answer.value()->octets)) {
      if (auto& file = answer.value()->descriptor)
        outcome->script = std::make_shared<sys::Fd>(std::move(file));
      return std::move(*outcome);
    }
  }
  // Closed, because a late answer would be mistaken for the answer to the next request.
  socket_.reset();
  return failed(gone, sent.ok());
}

Status Client::choose_folder(Mailbox& mailbox, const std::string& detail) {
  Request request;
  request.verb = Verb::kChooseFolder;
  request.mailbox = mailbox;
  request.detail = detail;
  auto outcome = ask(request, nullptr);
  if (outcome.error) return *outcome.error;
  mailbox.folder = outcome.folder;
  mailbox.create_folder = outcome.create_folder;
  return {};
}

Result<Inspection> Client::inspect(const Mailbox& mailbox, std::uint64_t size) {
  Request request;
  request.verb = Verb::kInspect;
  request.mailbox = mailbox;
  request.size = size;
  auto outcome = ask(request, nullptr);
  if (outcome.error) return *outcome.error;
  return outcome.inspection.value_or(Inspection());
}

Result<std::optional<spool::EarlierCopy>> Client::find_earlier(
    const spool::Staged& staged, const Mailbox& mailbox, const std::vector<std::string>& names) {
  for (auto next = names.begin(); next != names.end();) {
    auto request = about(Verb::kFindEarlier, staged, mailbox);
    for (; next != names.end() && request.earlier.size() + next->size() < kMostEarlier; ++next) {
      request.earlier += *next + "\n";
    }
    // None of our files has such a name.
    if (request.earlier.empty()) return Error{ENAMETOOLONG, "look for an earlier copy", *next};
    auto outcome = ask(request, staged.file);
    if (outcome.error) return *outcome.error;
    if (outcome.found) return outcome.found;
  }
  return std::optional<spool::EarlierCopy>();
}

Result<spool::Delivered> Client::deliver(const spool::Staged& staged, const Mailbox& mailbox,
                                         std::string_view personal, const spool::Flags& flags,
                                         bool& is_uncertain) {
  auto request = about(Verb::kDeliver, staged, mailbox);
  request.flags = flags;
  request.personal = personal;
  auto outcome = ask(request, staged.file);
  is_uncertain = outcome.uncertain;
  if (outcome.error) return *outcome.error;
  return outcome.delivered;
}

Status Client::remove(const spool::Staged& staged, const Mailbox& mailbox,
                      const std::string& file) {
  auto request = about(Verb::kRemove, staged, mailbox);
  request.file = file;
  auto outcome = ask(request, staged.file);
  return outcome.error ? Status(*outcome.error) : Status();
}

Result<sys::Fd> Client::open_script(const Mailbox& mailbox, const std::string& path) {
  Request request;
  request.verb = Verb::kOpenScript;
  request.mailbox = mailbox;
  request.path = path;
  auto outcome = ask(request, nullptr);
  if (outcome.error) return *outcome.error;
  if (!outcome.script) return Error{EPROTO, "open", path};
  return std::move(*outcome.script);
}

Result<bool> Client::find_folder(Mailbox& mailbox, const std::string& name, bool create) {
  Request request;
  request.verb = Verb::kFindFolder;
  request.mailbox = mailbox;
  request.mailbox.create_folder = create;
  request.detail = name;
  auto outcome = ask(request, nullptr);
  if (outcome.error) return *outcome.error;
  mailbox.folder = outcome.folder;
  mailbox.create_folder = outcome.create_folder;
  return outcome.usable;
}

Status Client::write_note(const Mailbox& mailbox, const std::string& path,
                          const std::string& text) {
  Request request;
  request.verb = Verb::kWriteNote;
  request.mailbox = mailbox;
  request.path = path;
  request.text = text.substr(0, kMostNote);
  auto outcome = ask(request, nullptr);
  return outcome.error ? Status(*outcome.error) : Status();
}

}  // namespace handoff::delivery
