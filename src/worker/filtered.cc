#include "worker/filtered.hh"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/text.hh"
#include "base/unicode.hh"
#include "filter/global_scripts.hh"
#include "filter/program_cache.hh"
#include "filter/scanners.hh"
#include "recipients/folder.hh"
#include "recipients/script.hh"
#include "sys/clock.hh"
#include "worker/plan_rules.hh"
#include "worker/services.hh"

namespace handoff::worker {
namespace {

constexpr std::size_t kLongestNote = 2500;  // octets

bool is_missing(const Error& error) { return error.code == ENOENT || error.code == ENOTDIR; }

// The scripts could not be read or run: the recipient is deferred, whatever the cause.
Error not_run(const std::string& what, const Error& why) {
  return explained(EAGAIN, what + ": " + why.describe());
}

// RFC 5321 4.2: the text of a reply is one line.
std::string in_one_line(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool blank = c == ' ' || is_control(c);
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  return std::string(trim(out));
}

Filtered::Done done_by(const sieve::Place& place, std::string action, std::string folder) {
  return {std::move(action), std::move(folder), place.script, place.line, place.rule};
}

}  // namespace

// Answers what the filter process asks about the recipient.
class Filtered::Site final : public filter::Answers {
 public:
  explicit Site(Filtered& of) : of_(of) {}

  Result<std::optional<sys::Fd>> script(sieve::ScriptPlace place,
                                        const std::string& name) override {
    if (name.empty() || name.find('/') != name.npos || name.front() == '.' || !is_utf8(name))
      return std::optional<sys::Fd>();
    const auto& sieve = of_.services_.config.sieve;
    std::optional<std::string> folder;
    if (place == sieve::ScriptPlace::kGlobal) {
      if (!sieve.global_directory.empty()) folder = sieve.global_directory;
    } else if (!sieve.include_directory.empty()) {
      folder = recipients::script_path(sieve.include_directory, of_.mailbox(),
                                       of_.services_.config.spool.path);
    }
    if (!folder) return std::optional<sys::Fd>();
    auto path = filter::included_path(*folder, name);
    auto file = place == sieve::ScriptPlace::kGlobal ? of_.services_.files.open_followed(path)
                                                     : of_.inner_.open_script(path);
    if (file) return std::optional(std::move(file).value());
    if (is_missing(file.error())) return std::optional<sys::Fd>();
    return file.error();
  }
  Result<bool> folder_exists(const std::string& folder) override {
    auto mailbox = of_.mailbox();
    auto found = of_.inner_.find_folder(mailbox, folder, false);
    if (!found) return found.error();
    return found.value() && !mailbox.create_folder;
  }
  Result<bool> special_use_exists(const std::string& folder, const std::string& use) override {
    for (const auto& usual : recipients::usual_folders(use)) {
      if (!folder.empty() && !iequals(folder, usual)) continue;
      auto exists = folder_exists(usual);
      if (!exists || exists.value()) return exists;
    }
    return false;
  }
  Result<bool> seen(const sieve::Mark& mark) override {
    return of_.services_.spool->seen(of_.user_mark(mark));
  }

 private:
  Filtered& of_;
};

Filtered::Filtered(Services& services, delivery::Destination& inner, const Sender& sender,
                   const Recipient& recipient)
    : services_(services), inner_(inner), sender_(sender), recipient_(recipient) {}

Result<std::optional<spool::Delivered>> Filtered::link(spool::Message& message,
                                                       std::string_view personal) {
  if (inner_.may_hang()) return std::optional<spool::Delivered>();
  auto known = decide(message);
  if (!known || known.value()) return known;
  auto linked = inner_.link_order(message, order_, personal);
  // The texts of many recipients could take much memory together. If deliver() needs these again,
  // the scripts run again.
  if (linked && !linked.value() && !editions_.empty()) {
    forget();
  } else if (!linked || linked.value()) {
    free_texts();
  }
  return linked;
}

Result<spool::Delivered> Filtered::deliver(spool::Message& message, std::string_view personal) {
  auto known = decide(message);
  if (!known) return known.error();
  if (known.value()) return *std::move(known).value();
  return inner_.deliver_order(message, order_, personal);
}

// A retry is recognised before the scripts run, because they may have changed.
Result<std::optional<spool::Delivered>> Filtered::decide(spool::Message& message) {
  if (decided_) return std::optional<spool::Delivered>();
  order_.recipient = mailbox().place() + "\n" + recipient_.address.text();
  auto earlier = message.find_record(mailbox().place(), order_.recipient);
  if (!earlier) return earlier.error();
  if (earlier.value()) {
    spool::Delivered delivered;
    delivered.already = true;
    return std::optional(std::move(delivered));
  }
  auto decided = run_scripts(message);
  decided_ = decided.ok();
  return decided;
}

Result<std::optional<spool::Delivered>> Filtered::run_scripts(spool::Message& message) {
  order_.copies = {{mailbox(), {}, nullptr}};
  auto job = job_for(message);
  std::vector<sys::Fd> scripts;
  if (auto opened = open_scripts(job, scripts); !opened) return opened.error();
  if (scripts.empty()) return std::optional<spool::Delivered>();
  if (!services_.filter_process) return explained(EPIPE, "there is no filter process");
  sys::Fd opened;
  auto file = message.staged().open(services_.files, opened);
  if (!file) return file.error();
  Site site(*this);
  auto verdict = services_.filter_process->run(job, *file.value(), scripts, site,
                                               services_.config.sieve.timeout);
  if (!verdict) return verdict.error();
  ran_ = true;
  steps_ = verdict.value().steps;
  if (verdict.value().error) return not_run("the scripts did not finish", *verdict.value().error);
  report(message, verdict.value());
  auto taken = take_plan(message, verdict.value());
  if (!taken && refused_) taken = keep_instead(message, sieve::Fault(*refused_));
  if (!taken) return taken.error();
  return std::optional<spool::Delivered>();
}

filter::Job Filtered::job_for(const spool::Message& message) const {
  const auto& config = services_.config;
  filter::Job job;
  auto& facts = job.facts;
  facts.from = sender_.text;
  facts.to = recipient_.address.text();
  if (recipient_.original) facts.original_to = recipient_.original->address;
  facts.addresses = {mailbox().address};
  auto now = sys::Wall::now();
  facts.now = std::chrono::floor<std::chrono::seconds>(now);
  facts.zone = sys::utc_offset(now);
  facts.host = config.hostname;
  facts.message_id = message.id() + "." + std::to_string(std::hash<std::string>()(facts.to)) + "@" +
                     config.hostname;
  facts.user = mailbox().address.substr(0, mailbox().address.rfind('@'));
  facts.folder = recipients::folder_text(mailbox().folder, config.spool.folder_encoding);
  facts.separators = config.recipients.delimiter;
  filter::add_scanners(facts, config);
  job.limits = filter::limits_of(config);
  return job;
}

// Global scripts are read with the worker's rights, a recipient's own with those of the mailbox's
// owner. It is not an error if the recipient has no script; any other failure defers the message,
// because running only some of the scripts could lose the message.
Status Filtered::open_scripts(filter::Job& job, std::vector<sys::Fd>& files) {
  const auto& config = services_.config;
  auto add = [&](const std::string& path, Result<sys::Fd> file) -> Status {
    if (!file) return not_run("the script " + path + " cannot be read", file.error());
    job.scripts.push_back(path);
    files.push_back(std::move(file).value());
    return {};
  };
  auto add_global = [&](const std::string& path) {
    return add(path, services_.files.open_followed(path));
  };
  for (const auto& path : config.sieve.before) {
    if (auto added = add_global(path); !added) return added;
  }
  auto own = recipients::personal_script(config.sieve.script, mailbox(), config.spool.path);
  bool has_own = false;
  if (own) {
    auto file = inner_.open_script(*own);
    has_own = file || !is_missing(file.error());
    if (has_own) {
      if (auto added = add(*own, std::move(file)); !added) return added;
      personal_path_ = *own;
    }
  }
  if (!has_own && !config.sieve.fallback.empty()) {
    if (auto added = add_global(config.sieve.fallback); !added) return added;
  }
  for (const auto& path : config.sieve.after) {
    if (auto added = add_global(path); !added) return added;
  }
  return {};
}

// Errors of scripts and what they log. The recipient gets a note beside their own script.
void Filtered::report(const spool::Message& message, const filter::Verdict& verdict) {
  auto global = filter::global_scripts(services_.config);
  std::string note;
  for (const auto& fault : verdict.faults) {
    if (!failed_) log_fault(message, fault);  // the first one is enough for the log
    failed_ = true;
    if (std::ranges::find(global, fault.script) == global.end())
      note += fault.script + ": line " + std::to_string(fault.line) + ": " + fault.what + "\n";
  }
  for (const auto& line : verdict.log) {
    services_.log.debug("script says", {{"id", message.id()},
                                        {"to", recipient_.address.bracketed()},
                                        {"mailbox", mailbox().name()},
                                        {"text", line}});
  }
  if (!note.empty() && !personal_path_.empty()) write_note(message, std::move(note));
}

void Filtered::log_fault(const spool::Message& message, const sieve::Fault& fault) {
  services_.log.warning("script has an error, message kept",
                        {{"id", message.id()},
                         {"to", recipient_.address.bracketed()},
                         {"mailbox", mailbox().name()},
                         {"script", fault.script},
                         {"line", fault.line},
                         {"cause", fault.what}});
}

void Filtered::write_note(const spool::Message& message, std::string faults) {
  faults.resize(std::min(faults.size(), kLongestNote));
  auto text = sys::rfc5322_date(sys::Wall::now()) +
              "\nThe script has errors, so new messages are stored as if it did not exist:\n" +
              faults;
  auto written = inner_.write_note(personal_path_ + std::string(delivery::kNoteSuffix), text);
  if (written) return;
  services_.log.info("cannot write a note about a script", {{"id", message.id()},
                                                            {"to", recipient_.address.bracketed()},
                                                            {"mailbox", mailbox().name()},
                                                            {"script", personal_path_},
                                                            {"cause", written.error().describe()}});
}

Status Filtered::take_plan(spool::Message& message, const filter::Verdict& verdict) {
  const auto& plan = verdict.plan;
  const auto& config = services_.config;
  if (auto fault = find_fault(plan, filter::limits_of(config))) {
    if (fault->place == nullptr) {
      services_.filter_process->replace();
      return explained(EPROTO, "the plan is not valid: " + fault->what);
    }
    return refuse_action(*fault->place, fault->what);
  }
  order_ = {order_.recipient, {}};
  edits_.clear();
  for (const auto& action : plan.actions) {
    if (const auto* rejection = std::get_if<sieve::Rejection>(&action)) {
      done_.push_back(done_by(rejection->place, "reject", {}));
      if (config.sieve.rejects)
        return explained(ECANCELED, in_one_line(rejection->reason), {}, Reason::kRejected);
      discarded_ = true;
    } else if (const auto* copy = std::get_if<sieve::Copy>(&action)) {
      if (auto taken = take_copy(*copy, message, verdict); !taken) return taken;
    } else if (const auto* redirect = std::get_if<sieve::Redirect>(&action)) {
      if (auto taken = take_redirect(*redirect, message, verdict); !taken) return taken;
    } else if (auto taken = take_outgoing(std::get<sieve::Outgoing>(action)); !taken) {
      return taken;
    }
  }
  for (const auto& mark : plan.marks) order_.marks.push_back(user_mark(mark));
  bool redirected = std::ranges::any_of(plan.actions, [](const sieve::Action& action) {
    return std::holds_alternative<sieve::Redirect>(action);
  });
  if (plan.discarded && !redirected) {
    discarded_ = true;
    done_.insert(done_.begin(), done_by(plan.discarded_by, "discard", {}));
  }
  return {};
}

// The action would fail at every attempt.
Error Filtered::refuse_action(const sieve::Place& place, const std::string& what) {
  refused_ = sieve::Fault{place.script, place.line, what};
  return explained(ECANCELED, what);
}

// RFC 5228 2.10.6: after an error of a script the message is kept.
Status Filtered::keep_instead(spool::Message& message, const sieve::Fault& fault) {
  forget();
  filter::Verdict verdict;
  verdict.faults.push_back(fault);
  verdict.plan.actions.emplace_back(sieve::Copy{});
  report(message, verdict);
  return take_plan(message, verdict);
}

// Frees the texts, and makes decide() run the scripts again.
void Filtered::forget() {
  order_ = {order_.recipient, {}};
  decided_ = false;
  done_.clear();
  discarded_ = false;
  refused_.reset();
  free_texts();
}

void Filtered::free_texts() {
  order_.copies.clear();
  order_.outgoing.clear();
  edits_.clear();
  editions_.clear();
  edited_octets_ = 0;
  whole_ = {};
}

spool::UserMark Filtered::user_mark(const sieve::Mark& mark) const {
  using Kind = spool::UserMark::Kind;
  bool vacation = mark.kind == sieve::Mark::Kind::kVacation;
  return {mailbox().name(), vacation ? Kind::kVacation : Kind::kDuplicate, mark.id, mark.seconds};
}

Status Filtered::take_redirect(const sieve::Redirect& redirect, spool::Message& message,
                               const filter::Verdict& verdict) {
  spool::Outgoing outgoing;
  outgoing.sender = sender_.text;
  outgoing.recipients = {redirect.to};
  outgoing.head = redirect.head;
  if (redirect.edited.any()) {
    auto text = edited_text(redirect.edited, redirect.place, message, verdict.header_size);
    if (!text) return text.error();
    outgoing.text = std::move(text).value();
  }
  order_.outgoing.push_back(std::move(outgoing));
  done_.push_back(done_by(redirect.place, "redirect", redirect.to));
  return {};
}

// A reply or a notification, and a copy of it. A reply goes to the sender of the envelope, whatever
// the plan says.
Status Filtered::take_outgoing(const sieve::Outgoing& from) {
  bool vacation = from.kind == sieve::Outgoing::Kind::kVacation;
  if (!from.withheld.empty() || (vacation && !is_one_address(sender_.text))) return {};
  spool::Outgoing outgoing;
  outgoing.kind =
      vacation ? spool::Outgoing::Kind::kVacation : spool::Outgoing::Kind::kNotification;
  outgoing.sender = from.from;
  outgoing.recipients = vacation ? std::vector{sender_.text} : from.to;
  outgoing.text = std::make_shared<const std::string>(from.text);
  if (from.mark) order_.marks.push_back(user_mark(*from.mark));
  done_.push_back(
      done_by(from.place, vacation ? "vacation" : "notify", outgoing.recipients.front()));
  order_.outgoing.push_back(std::move(outgoing));
  if (!from.copy) return {};
  auto stored = mailbox_for(*from.copy);
  if (!stored) return stored.error();
  auto text = from.text;
  if (services_.config.spool.newline != conf::Newline::kCrlf) std::erase(text, '\r');
  auto shared = std::make_shared<const std::string>(std::move(text));
  order_.copies.push_back({stored.value(), spool::flags_of(from.copy->flags), shared});
  edits_.push_back({nullptr, shared});
  return {};
}

Status Filtered::take_copy(const sieve::Copy& copy, spool::Message& message,
                           const filter::Verdict& verdict) {
  auto mailbox = mailbox_for(copy);
  if (!mailbox) return mailbox.error();
  spool::CopyOrder order{mailbox.value(), spool::flags_of(copy.flags), nullptr};
  auto folder =
      recipients::folder_text(order.mailbox.folder, services_.config.spool.folder_encoding);
  bool keeps = copy.keeps();
  if (copy.edited.any()) {
    auto text = edited_text(copy.edited, copy.place, message, verdict.header_size);
    if (!text) return text.error();
    order.text = std::move(text).value();
  }
  done_.push_back(done_by(copy.place, keeps ? "keep" : "fileinto", std::move(folder)));
  // Two names of one folder get one copy, as do messages that differ only in edited headers.
  for (std::size_t i = 0; i < order_.copies.size(); ++i) {
    auto& other = order_.copies[i];
    if (!other.mailbox.same_place(order.mailbox) || !edits_[i].same_body(copy.edited)) continue;
    other.flags.add(order.flags);
    return {};
  }
  order_.copies.push_back(std::move(order));
  edits_.push_back(copy.edited);
  return {};
}

// Returns the folder of a copy; that of messages without a script if it does not exist.
Result<Mailbox> Filtered::mailbox_for(const sieve::Copy& copy) {
  auto chosen = mailbox();
  for (const auto& usual : recipients::usual_folders(copy.special_use)) {
    auto found = inner_.find_folder(chosen, usual, false);
    if (!found) return found.error();
    if (found.value() && !chosen.create_folder) return chosen;
  }
  if (copy.folder.empty()) return mailbox();
  if (!is_printable_utf8(copy.folder)) return explained(EPROTO, "the plan has an invalid folder");
  chosen = mailbox();
  auto found = inner_.find_folder(chosen, copy.folder, copy.create);
  if (!found) return found.error();
  if (found.value()) return chosen;
  // An earlier action of the plan may create it.
  for (const auto& earlier : order_.copies) {
    if (!earlier.mailbox.create_folder) continue;
    auto made = mailbox();
    auto possible = inner_.find_folder(made, copy.folder, true);
    if (!possible) return possible.error();
    if (possible.value() && made.same_place(earlier.mailbox)) return made;
  }
  services_.log.warning("folder missing, message kept", {{"to", recipient_.address.bracketed()},
                                                         {"mailbox", mailbox().name()},
                                                         {"folder", copy.folder},
                                                         {"script", copy.place.script},
                                                         {"line", copy.place.line}});
  return mailbox();
}

Result<std::shared_ptr<const std::string>> Filtered::edited_text(const sieve::Edited& edited,
                                                                 const sieve::Place& place,
                                                                 spool::Message& message,
                                                                 std::uint64_t header_size) {
  for (const auto& [known, text] : editions_) {
    if (known == edited) return text;
  }
  if (whole_.empty()) {
    sys::Fd opened;
    auto file = message.staged().open(services_.files, opened);
    if (!file) return file.error();
    auto text = filter::read_all(services_.files, *file.value(), message.staged().size);
    if (!text) return text.error();
    whole_ = std::move(text).value();
  }
  if (header_size > whole_.size()) return explained(EPROTO, "the plan does not fit the message");
  std::string_view whole = whole_;
  auto header = edited.header ? std::string_view(*edited.header) : whole.substr(0, header_size);
  auto body = edited.body ? std::string_view(*edited.body) : whole.substr(header_size);
  // Edits may add fields, and replace may wrap the message in another one.
  edited_octets_ += header.size() + body.size();
  if (edited_octets_ > 2 * (services_.config.session.max_message_size + whole.size()))
    return refuse_action(place, "the edited messages are too large");
  auto text = std::make_shared<std::string>(header);
  *text += body;
  editions_.emplace_back(edited, text);
  return std::shared_ptr<const std::string>(std::move(text));
}

}  // namespace handoff::worker
