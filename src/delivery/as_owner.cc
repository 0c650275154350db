#include "delivery/as_owner.hh"

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "base/text.hh"
#include "delivery/create_command.hh"
#include "recipients/folder_choice.hh"
#include "spool/commit.hh"
#include "spool/earlier_copy.hh"
#include "spool/maildir.hh"
#include "spool/newline.hh"
#include "spool/quota_book.hh"
#include "sys/process.hh"

namespace handoff::delivery {
namespace {

// How long a mailbox that must be counted is waited for; then the count goes on alone.
constexpr std::chrono::milliseconds kCountPatience{1000};

struct Task {
  const conf::Config& config;
  const sys::Log& log;
  sys::Files& files;
  const sys::Fd& spool;
  const Request& request;
  spool::Staged staged;

  const Mailbox& mailbox() const { return request.mailbox; }
  spool::QuotaBook quotas() const {
    return {files, spool, {config.quota.size, config.quota.messages}, kCountPatience};
  }
};

// With the whole path: errors tell it from the base, from the mailbox, or whole.
Error in(const Mailbox& mailbox, Error error) {
  if (error.path.empty()) {
    error.path = mailbox.place();
  } else if (error.path.starts_with(mailbox.path)) {
    error.path = (mailbox.base.empty() ? "" : mailbox.base + "/") + error.path;
  } else if (!error.path.starts_with('/')) {
    error.path = mailbox.place() + "/" + error.path;
  }
  return error;
}

Outcome failed(const Task& task, const Error& error) {
  return delivery::failed(in(task.mailbox(), error));
}

Outcome choose_folder(const Task& task) {
  auto mailbox = task.mailbox();
  recipients::choose_folder(task.files, task.spool, task.config.recipient_rules(), mailbox,
                            task.request.detail);
  Outcome outcome;
  outcome.folder = mailbox.folder;
  outcome.create_folder = mailbox.create_folder;
  return outcome;
}

Outcome look(const Task& task) {
  Outcome outcome;
  auto quotas = task.quotas();
  outcome.look = look_at(task.files, task.spool, quotas, task.mailbox(), task.request.size);
  if (outcome.look->error) outcome.look->error = in(task.mailbox(), *outcome.look->error);
  return outcome;
}

Outcome find_earlier(const Task& task) {
  Outcome outcome;
  auto place = spool::open_in(task.files, task.spool, task.mailbox(), "");
  if (!place && place.error().code == ENOENT) return outcome;
  if (!place) return failed(task, place.error());
  std::vector<std::string> names;
  for (auto name : split(task.request.earlier, '\n')) names.emplace_back(name);
  auto found = spool::find_earlier_copy(task.files, place.value(), names, task.staged);
  if (!found) return failed(task, found.error());
  outcome.found = found.value();
  // Whoever put it there may have died before it was counted.
  if (outcome.found) task.quotas().uncertain(task.mailbox());
  return outcome;
}

// By the site's own program, where there is one.
Status make_mailbox(const Task& task) {
  if (task.config.spool.create_command.empty() || !task.mailbox().create) return {};
  auto inbox = task.mailbox();
  inbox.folder.clear();
  // A mailbox below the spool has its directory by now, and nothing in it (place.hh).
  const auto* sign = inbox.base.empty() ? "new" : "";
  auto there = [&] { return spool::open_in(task.files, task.spool, inbox, sign); };
  auto place = there();
  if (place || place.error().code != ENOENT) return {};
  auto made = create_mailbox(task.config, task.log, inbox);
  // Of two first messages at once both run it, and one may find the other's mailbox in its way.
  if (!made && !there()) return made;
  place = spool::open_in(task.files, task.spool, inbox, "");
  return place ? Status() : place.error();
}

Outcome deliver(const Task& task) {
  auto quotas = task.quotas();
  auto standing = quotas.standing(task.mailbox(), task.staged.size);
  if (standing) {
    auto room = quotas.check(standing.value(), task.staged.size);
    if (!room) return failed(task, room.error());
  }
  if (auto made = make_mailbox(task); !made) return failed(task, made.error());
  std::string lines;
  if (task.config.spool.newline == conf::Newline::kCrlf) {
    lines = task.request.personal;
  } else {
    spool::CrlfToLf().convert(task.request.personal, lines);
  }
  spool::NameMaker names(sys::host_name());
  auto delivered =
      spool::commit_copy(task.files, task.spool, task.staged, task.mailbox(), lines, names);
  if (!delivered) return failed(task, delivered.error());
  Outcome outcome;
  outcome.delivered = std::move(delivered).value();
  if (standing && standing.value().limits.any()) {
    quotas.added(task.mailbox(), outcome.delivered.size);
    outcome.delivered.quota = spool::with_one_more(standing.value(), outcome.delivered.size);
  }
  return outcome;
}

struct Row {
  Verb verb;
  Outcome (*act)(const Task& task);
};
constexpr std::array kTable = {
    Row{Verb::kChooseFolder, choose_folder},
    Row{Verb::kLook, look},
    Row{Verb::kFindEarlier, find_earlier},
    Row{Verb::kDeliver, deliver},
};

}  // namespace

Outcome as_owner(const conf::Config& config, const sys::Log& log, sys::Files& files,
                 const sys::Fd& spool, const Request& request, const sys::Fd& staged) {
  Task task{config, log,     files,
            spool,  request, {staged, request.name, request.size, request.content_offset}};
  for (const auto& row : kTable) {
    if (row.verb == request.verb) return row.act(task);
  }
  return failed(task, {EBADMSG, "no such request", {}});
}

}  // namespace handoff::delivery
