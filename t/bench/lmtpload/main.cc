// lmtpload: generates LMTP transactions from one process with many connections, like a queue
// manager. Checks every reply; ends after a given time or number of messages. Prints one line of
// JSON; exits 1 after an unexpected reply.
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "arguments.hh"
#include "lmtpload/client.hh"
#include "sys/process.hh"

namespace handoff::bench {
namespace {

constexpr const char* kUsage =
    "usage: lmtpload --to unix:PATH|tcp:HOST:PORT [--connections 8] [--messages 0] [--seconds 2]\n"
    "                [--recipients 1] [--mailboxes 100] [--address u%d@load.test] [--size 4096]\n"
    "                [--pipelining yes] [--chunking no] [--reconnect no]\n"
    "Ends after this many seconds, or this many messages per connection (0: no limit).\n";

// If no reply arrives within this time, the server has lost one.
constexpr std::chrono::seconds kPatience{60};

bool yes(const Arguments& arguments, const char* name) {
  const auto& text = arguments.text(name);
  if (text != "yes" && text != "no") Arguments::die(std::string("--") + name + " yes or no?");
  return text == "yes";
}

Plan plan_of(const Arguments& arguments) {
  Plan plan;
  auto endpoint = parse_endpoint(arguments.text("to"));
  if (!endpoint) Arguments::die("--to unix:PATH or tcp:HOST:PORT");
  plan.endpoint = *endpoint;
  plan.connections = arguments.number("connections");
  plan.messages = arguments.number("messages");
  plan.time = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(arguments.seconds("seconds")));
  plan.recipients = arguments.number("recipients");
  plan.mailboxes = arguments.number("mailboxes");
  plan.address = arguments.text("address");
  plan.pipelining = yes(arguments, "pipelining");
  plan.chunking = yes(arguments, "chunking");
  plan.reconnect = yes(arguments, "reconnect");
  plan.content = make_content(arguments.number("size"), plan.chunking);
  if (plan.connections == 0 || plan.recipients == 0) Arguments::die("nothing to do");
  if (plan.recipients > plan.mailboxes) Arguments::die("more recipients than mailboxes");
  if (plan.address.find("%d") == std::string::npos) Arguments::die("--address wants a %d");
  return plan;
}

// Runs all clients until this many are ready, or all are done, or one has failed.
void serve(std::vector<std::unique_ptr<Client>>& clients, Tally& tally, std::uint64_t ready) {
  std::vector<pollfd> fds;
  while (tally.failure.empty() && (ready == 0 || tally.ready < ready)) {
    std::erase_if(clients, [](const auto& client) { return client->done(); });
    if (clients.empty()) return;
    fds.clear();
    for (const auto& client : clients) {
      short events = client->wants_to_write() ? POLLIN | POLLOUT : POLLIN;
      fds.push_back({client->socket(), events, 0});
    }
    int n = ::poll(fds.data(), fds.size(), std::chrono::milliseconds(kPatience).count());
    if (n <= 0) {
      tally.failure = "no reply";
      return;
    }
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].revents != 0) clients[i]->go_on();
    }
  }
}

void print(const Plan& plan, const Tally& tally, double seconds, double rate) {
  auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  const auto& times = tally.from_dot;
  std::printf(
      "{\"program\": \"lmtpload\", \"connections\": %llu, \"recipients\": %llu, \"size\": %zu, "
      "\"messages\": %llu, \"deliveries\": %llu, \"seconds\": %.3f, \"rate\": %.2f, "
      "\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"max\": %.3f, \"failure\": \"%s\"}\n",
      number(plan.connections), number(plan.recipients), kMessageId + plan.content.size(),
      number(tally.messages), number(tally.deliveries), seconds, rate, times.percentile(0.5),
      times.percentile(0.9), times.percentile(0.99), times.percentile(1),
      escape_json(tally.failure).c_str());
}

int run(const Plan& plan) {
  Tally tally;
  std::vector<std::unique_ptr<Client>> clients;
  const auto run = std::uint64_t{sys::random_number()} << 32;
  for (std::uint64_t i = 0; i < plan.connections && tally.failure.empty(); ++i) {
    clients.push_back(std::make_unique<Client>(plan, tally, i, run + (i << 20)));
    clients.back()->connect();
  }
  serve(clients, tally, plan.connections);
  auto begun = Clock::now();
  for (auto& client : clients) client->start(begun + plan.time);
  serve(clients, tally, 0);
  std::chrono::duration<double> took = Clock::now() - begun;
  // If no message was completed before the end, later ones count.
  double seconds = std::min(took.count(), std::chrono::duration<double>(plan.time).count());
  double rate = tally.in_time > 0 ? static_cast<double>(tally.in_time) / seconds
                                  : static_cast<double>(tally.messages) / took.count();
  print(plan, tally, took.count(), rate);
  if (tally.failure.empty()) return EXIT_SUCCESS;
  std::fprintf(stderr, "lmtpload: %s\n", tally.failure.c_str());
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace handoff::bench

int main(int argc, char** argv) {
  using namespace handoff::bench;
  return run(plan_of(Arguments(argc, argv,
                               {{"to", ""},
                                {"connections", "8"},
                                {"messages", "0"},
                                {"seconds", "2"},
                                {"recipients", "1"},
                                {"mailboxes", "100"},
                                {"address", "u%d@load.test"},
                                {"size", "4096"},
                                {"pipelining", "yes"},
                                {"chunking", "no"},
                                {"reconnect", "no"}},
                               kUsage)));
}
