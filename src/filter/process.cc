#include "filter/process.hh"

#include <cerrno>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "filter/program_cache.hh"
#include "filter/wire.hh"
#include "sys/frames.hh"
#include "sys/process.hh"

namespace handoff::filter {
namespace {

using namespace std::chrono_literals;

// A worker that has not read after this time what was sent to it is considered gone.
constexpr auto kSendTimeout = 10s;
// The message is the worker's file, which nobody else can change.
constexpr auto kAnySize = std::numeric_limits<std::uint64_t>::max();

Verdict no_memory() {
  Verdict verdict;
  verdict.error = Error{ENOMEM, "run scripts", {}};
  return verdict;
}

// It is too large at every attempt, so the message is kept as after any error of a script.
Verdict too_large(const Job& job, const Verdict& verdict) {
  Verdict kept;
  kept.plan.actions.emplace_back(sieve::Copy{});
  kept.faults.push_back(
      {job.scripts.back(), 1, "the script makes the message, or its log, too large"});
  kept.steps = verdict.steps;
  return kept;
}

// Passes the questions of the engine to the worker.
class RemoteSite final : public SiteWithFiles {
 public:
  explicit RemoteSite(const sys::Fd& socket) : socket_(socket) {}

  Result<std::optional<sys::Fd>> script_file(sieve::ScriptPlace place,
                                             std::string_view name) override {
    Question question;
    question.kind = Question::Kind::kScript;
    question.place = place;
    question.name = name;
    sys::Fd file;
    auto answer = ask(question, &file);
    if (!answer) return answer.error();
    if (!answer.value().yes) return std::optional<sys::Fd>();
    if (!file) return lost();
    return std::optional(std::move(file));
  }
  Result<bool> folder_exists(std::string_view folder) override {
    Question question;
    question.kind = Question::Kind::kFolder;
    question.name = folder;
    return yes_or_no(question);
  }
  Result<bool> special_use_exists(std::string_view folder, std::string_view use) override {
    Question question;
    question.kind = Question::Kind::kSpecialUse;
    question.name = folder;
    question.use = use;
    return yes_or_no(question);
  }
  Result<bool> seen(const sieve::Mark& mark) override {
    Question question;
    question.kind = Question::Kind::kSeen;
    question.mark = mark;
    return yes_or_no(question);
  }
  Result<std::optional<std::string>> environment(std::string_view item) override {
    Question question;
    question.kind = Question::Kind::kEnvironment;
    question.name = item;
    auto answer = ask(question);
    if (!answer) return answer.error();
    return std::move(answer).value().text;
  }

  // The worker has gone, or its message is malformed.
  bool is_lost() const { return lost_; }

 private:
  Error lost() {
    lost_ = true;
    return explained(EPIPE, "the worker is gone");
  }
  Result<bool> yes_or_no(const Question& question) {
    auto answer = ask(question);
    if (!answer) return answer.error();
    return answer.value().yes;
  }
  Result<Answer> ask(const Question& question, sys::Fd* file = nullptr) {
    auto octets = pack(question);
    if (!octets) return octets.error();
    auto until = sys::Steady::now() + kSendTimeout;
    if (!sys::send_frames(socket_, octets.value(), nullptr, until)) return lost();
    auto message = sys::receive_frames(socket_, kMostQuestion, std::nullopt);
    if (!message || !message.value()) return lost();
    auto answer = unpack_answer(message.value()->octets);
    if (!answer) return lost();
    if (file != nullptr) *file = std::move(message.value()->descriptor);
    if (answer->error) return *answer->error;
    return std::move(*answer);
  }

  const sys::Fd& socket_;
  bool lost_ = false;
};

class Process {
 public:
  Process(const sieve::Engine& engine, sys::Files& files, const sys::Fd& socket)
      : engine_(engine), files_(files), socket_(socket), cache_(engine, files) {}

  // Does the next job; false if there is none.
  bool next(std::chrono::seconds limit) {
    auto message = sys::receive_frames(socket_, kMostVerdict, std::nullopt);
    if (!message || !message.value()) return false;
    auto job = unpack_job(message.value()->octets);
    if (!job || !message.value()->descriptor) return false;
    sys::end_unless_called(limit);
    std::vector<sys::Fd> scripts;
    for (std::size_t i = 0; i < job->scripts.size(); ++i) {
      auto script = sys::receive_frames(socket_, kMostQuestion, std::nullopt);
      if (!script || !script.value() || !script.value()->descriptor) return false;
      scripts.push_back(std::move(script.value()->descriptor));
    }
    RemoteSite site(socket_);
    auto octets = answer(*job, message.value()->descriptor, scripts, site);
    if (site.is_lost()) return false;
    bool sent = octets && sys::send_frames(socket_, octets.value(), nullptr,
                                           sys::Steady::now() + kSendTimeout);
    sys::end_unless_called(0s);
    return sent;
  }

 private:
  // Returns the verdict, packed.
  Result<std::string> answer(const Job& job, const sys::Fd& message,
                             const std::vector<sys::Fd>& scripts, RemoteSite& site) try {
    auto verdict = run(job, message, scripts, site);
    auto octets = pack(verdict);
    return octets || job.scripts.empty() ? octets : pack(too_large(job, verdict));
  } catch (const std::bad_alloc&) {
    return pack(no_memory());
  }
  // A script that cannot be compiled is left out, and those before and after it still run.
  Verdict run(const Job& job, const sys::Fd& message, const std::vector<sys::Fd>& scripts,
              RemoteSite& site) {
    Verdict verdict;
    std::vector<ProgramCache::Found> found;  // keeps the programs alive
    std::vector<sieve::NamedProgram> programs;
    for (std::size_t i = 0; i < scripts.size(); ++i) {
      auto compiled = cache_.find(scripts[i], site, job.limits);
      if (!compiled || compiled.value().error) {
        verdict.error = compiled ? compiled.value().error : compiled.error();
        return verdict;
      }
      for (auto fault : compiled.value().faults) {
        if (fault.script.empty()) fault.script = job.scripts[i];
        verdict.faults.push_back(std::move(fault));
      }
      if (compiled.value().program)
        programs.push_back({job.scripts[i], compiled.value().program.get()});
      found.push_back(std::move(compiled).value());
    }
    auto text = read_all(files_, message, kAnySize);
    if (!text) {
      verdict.error = text.error();
      return verdict;
    }
    auto ran = engine_.run(programs, text.value(), job.facts, site, job.limits, false);
    verdict.plan = std::move(ran.plan);
    for (auto& fault : ran.faults) verdict.faults.push_back(std::move(fault));
    verdict.error = std::move(ran.error);
    verdict.log = std::move(ran.log);
    verdict.steps = ran.steps;
    verdict.header_size = ran.header_size;
    return verdict;
  }

  const sieve::Engine& engine_;
  sys::Files& files_;
  const sys::Fd& socket_;
  ProgramCache cache_;
};

}  // namespace

void serve(const sieve::Engine& engine, sys::Files& files, const sys::Fd& socket,
           std::chrono::seconds limit) {
  Process process(engine, files, socket);
  while (process.next(limit)) {
  }
}

}  // namespace handoff::filter
