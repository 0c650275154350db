// floor: measures the filesystem without protocol and server. Several processes deliver messages by
// one of the sequences. Prints one line of JSON.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "arguments.hh"
#include "floor/sequence.hh"
#include "histogram.hh"

namespace handoff::bench {
namespace {

constexpr const char* kUsage =
    "usage: floor --spool DIR [--sequence plain] [--processes 8] [--recipients 1]\n"
    "             [--mailboxes 100] [--size 4096] [--messages 0] [--seconds 2]\n"
    "Ends after this many seconds, or this many messages per process (0: no limit).\n"
    "--sequence list names them all.\n";

using Clock = std::chrono::steady_clock;

struct Task {
  const Sequence* sequence;
  std::uint64_t processes, recipients, mailboxes, size, messages;
  Clock::duration time;
};

// The result of one process.
struct Done {
  Histogram times;
  std::uint64_t in_time = 0;  // messages completed before the end
};

struct Shared {
  std::atomic<bool> go = false;
  Clock::time_point end;
};

template <class T>
T* share(std::size_t count) {
  void* memory =
      ::mmap(nullptr, sizeof(T) * count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) Arguments::die("no memory");
  return new (memory) T[count];
}

std::string mailbox_name(std::uint64_t number) { return "u" + std::to_string(number); }

void make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    std::perror(path.c_str());
    std::exit(EXIT_FAILURE);
  }
}

void make_mailboxes(const Task& task) {
  make_folder("staging");
  for (std::uint64_t i = 0; i < task.mailboxes; ++i) {
    make_folder(mailbox_name(i));
    make_folder(mailbox_name(i) + "/tmp");
    make_folder(mailbox_name(i) + "/new");
  }
  ::sync();
}

// One "connection": starts with its own mailbox and cycles through all mailboxes.
void work(const Task& task, std::uint64_t number, Shared& shared, Batch& batch, Done& done) {
  const std::string octets(task.size, 'x');
  std::uint64_t mailbox = number * task.mailboxes / task.processes;
  std::vector<std::string> mailboxes(task.recipients);
  make_folder("staging/" + std::to_string(::getpid()));
  while (!shared.go.load()) ::usleep(200);
  for (std::uint64_t i = 0; task.messages == 0 || i < task.messages; ++i) {
    auto begun = Clock::now();
    if (begun >= shared.end) return;
    for (auto& each : mailboxes) each = mailbox_name(mailbox++ % task.mailboxes);
    auto name = std::to_string(begun.time_since_epoch().count()) + ".P" +
                std::to_string(::getpid()) + "Q" + std::to_string(i) + ".floor";
    deliver(*task.sequence, batch, name, mailboxes, octets);
    auto ended = Clock::now();
    done.times.add(static_cast<std::uint64_t>((ended - begun).count()));
    if (ended <= shared.end) ++done.in_time;
  }
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

int run(const Task& task) {
  make_mailboxes(task);
  auto* shared = share<Shared>(1);
  auto* done = share<Done>(task.processes);
  auto* batch = make_batch();
  for (std::uint64_t i = 0; i < task.processes; ++i) {
    pid_t child = ::fork();
    if (child < 0) Arguments::die("cannot fork");
    if (child == 0) {
      work(task, i, *shared, *batch, done[i]);
      ::_exit(0);
    }
  }
  auto begun = Clock::now();
  shared->end = begun + task.time;
  shared->go.store(true);
  bool failed = false;
  for (std::uint64_t i = 0; i < task.processes; ++i) {
    int status = 0;
    failed = ::wait(&status) < 0 || status != 0 || failed;
  }
  std::chrono::duration<double> took = Clock::now() - begun;
  auto& times = done[0].times;
  auto in_time = done[0].in_time;
  for (std::uint64_t i = 1; i < task.processes; ++i) {
    times.add(done[i].times);
    in_time += done[i].in_time;
  }
  rusage usage;
  ::getrusage(RUSAGE_CHILDREN, &usage);
  auto messages = static_cast<double>(times.count());
  // If no message was completed before the end, later ones count.
  double seconds = std::min(took.count(), std::chrono::duration<double>(task.time).count());
  double rate = in_time > 0 ? static_cast<double>(in_time) / seconds : messages / took.count();
  std::printf(
      "{\"program\": \"floor\", \"sequence\": \"%s\", \"connections\": %llu, \"recipients\": %llu, "
      "\"size\": %llu, \"messages\": %.0f, \"seconds\": %.3f, \"rate\": %.2f, \"p50\": %.3f, "
      "\"p90\": %.3f, \"p99\": %.3f, \"max\": %.3f, \"cpu\": %.3f}\n",
      task.sequence->name, static_cast<unsigned long long>(task.processes),
      static_cast<unsigned long long>(task.recipients), static_cast<unsigned long long>(task.size),
      messages, took.count(), rate, times.percentile(0.5), times.percentile(0.9),
      times.percentile(0.99), times.percentile(1),
      seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace
}  // namespace handoff::bench

int main(int argc, char** argv) {
  using namespace handoff::bench;
  Arguments arguments(argc, argv,
                      {{"spool", ""},
                       {"sequence", "plain"},
                       {"processes", "8"},
                       {"recipients", "1"},
                       {"mailboxes", "100"},
                       {"size", "4096"},
                       {"messages", "0"},
                       {"seconds", "2"}},
                      kUsage);
  if (arguments.text("sequence") == "list") {
    for (const auto& each : sequences()) std::printf("%-22s%s\n", each.name, each.says);
    return EXIT_SUCCESS;
  }
  const auto* sequence = find_sequence(arguments.text("sequence"));
  if (sequence == nullptr) Arguments::die("no such sequence");
  if (::chdir(arguments.text("spool").c_str()) != 0) Arguments::die("--spool wants a directory");
  return run({sequence, arguments.number("processes"), arguments.number("recipients"),
              arguments.number("mailboxes"), arguments.number("size"), arguments.number("messages"),
              std::chrono::duration_cast<Clock::duration>(
                  std::chrono::duration<double>(arguments.seconds("seconds")))});
}
