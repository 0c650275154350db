#include "delivery/client.hh"

#include <cerrno>
#include <chrono>

#include "sys/message_socket.hh"

namespace handoff::delivery {
namespace {

// Beyond delivery.timeout, in which the process answers whatever happens.
constexpr std::chrono::seconds kAnswerPatience{15};

Request about(Verb verb, const spool::Staged& staged, const Mailbox& mailbox) {
  Request request;
  request.verb = verb;
  request.mailbox = mailbox;
  request.name = staged.name;
  request.size = staged.size;
  request.content_offset = staged.content_offset;
  return request;
}

}  // namespace

Outcome Client::ask(const Request& request, const sys::Fd* staged) {
  const Error gone{EPIPE, "the delivery process is gone", request.mailbox.name()};
  if (!socket_) return failed(gone);
  auto octets = pack(request);
  if (!octets) return failed(octets.error());
  auto until = sys::Steady::now() + config_.delivery.timeout + kAnswerPatience;
  auto sent = sys::send_message(socket_, octets.value(), staged, until);
  auto said = sent ? sys::receive_message(socket_, until)
                   : Result<std::optional<sys::Message>>(sent.error());
  if (said && said.value()) {
    if (auto outcome = unpack_outcome(said.value()->octets)) return std::move(*outcome);
  }
  // An answer that comes late would be taken for that of the next question.
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

Result<Look> Client::look(const Mailbox& mailbox, std::uint64_t size) {
  Request request;
  request.verb = Verb::kLook;
  request.mailbox = mailbox;
  request.size = size;
  auto outcome = ask(request, nullptr);
  if (outcome.error) return *outcome.error;
  return outcome.look.value_or(Look());
}

Result<std::optional<spool::EarlierCopy>> Client::find_earlier(
    const spool::Staged& staged, const Mailbox& mailbox, const std::vector<std::string>& names) {
  for (auto next = names.begin(); next != names.end();) {
    auto request = about(Verb::kFindEarlier, staged, mailbox);
    for (; next != names.end() && request.earlier.size() + next->size() < kMostEarlier; ++next) {
      request.earlier += *next + "\n";
    }
    // A name that no file of ours has.
    if (request.earlier.empty()) return Error{ENAMETOOLONG, "look for an earlier copy", *next};
    auto outcome = ask(request, &staged.file);
    if (outcome.error) return *outcome.error;
    if (outcome.found) return outcome.found;
  }
  return std::optional<spool::EarlierCopy>();
}

Result<spool::Delivered> Client::deliver(const spool::Staged& staged, const Mailbox& mailbox,
                                         std::string_view personal, bool& doubtful) {
  auto request = about(Verb::kDeliver, staged, mailbox);
  request.personal = personal;
  auto outcome = ask(request, &staged.file);
  doubtful = outcome.doubtful;
  if (outcome.error) return *outcome.error;
  return outcome.delivered;
}

}  // namespace handoff::delivery
