#include "status/process.hh"

#include <sysexits.h>

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "board/snapshot.hh"
#include "status/event_loop.hh"
#include "status/http_server.hh"
#include "status/views.hh"
#include "status/wire.hh"
#include "sys/fd.hh"

namespace handoff::status {
namespace {

constexpr std::size_t kReadAtOnce = 64 << 10;  // octets
constexpr char kText[] = "text/plain";
constexpr char kUtf8Text[] = "text/plain; charset=utf-8";

class Process {
 public:
  Process(const Options& options, const sys::Fd& listener, const sys::Fd& master)
      : options_(options),
        master_(master),
        http_(loop_, listener, [this](const Exchange& exchange) {
          options_.commands ? control(exchange) : page(exchange);
        }) {}

  int run() {
    from_master_ = loop_.watch(master_.get(), EventLoop::For::kReading, [this] { read_answers(); });
    loop_.run();
    return EX_OK;
  }

 private:
  using Then = std::function<void(const Answer&)>;

  void control(const Exchange& exchange) {
    auto is = [&](std::string_view method, std::string_view path) {
      return exchange.method() == method && exchange.path() == path;
    };
    auto tell = [exchange](const Answer& answer) {
      exchange.reply(answer.ok ? 200 : 409, kText, answer.text + "\n");
    };
    if (is("GET", "/status")) return show(exchange, kUtf8Text, status_table);
    if (is("GET", "/status.json")) return show(exchange, "application/json", status_json);
    if (is("GET", "/health")) return health(exchange);
    if (is("GET", "/ready")) return ask(Ask::kReady, tell);
    if (is("POST", "/reload")) return ask(Ask::kReload, tell);
    if (is("POST", "/upgrade")) return ask(Ask::kUpgrade, tell);
    if (is("POST", "/drain")) return ask(Ask::kDrain, tell);
    exchange.reply(404, kText, "no such command\n");
  }

  void page(const Exchange& exchange) {
    if (exchange.method() != "GET" && exchange.method() != "HEAD") {
      return exchange.reply(405, kText, "only GET and HEAD are allowed\n");
    }
    if (exchange.path() == "/metrics") {
      bool open_metrics = exchange.accepts("application/openmetrics-text");
      return show(exchange,
                  open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8",
                  [=](const board::Snapshot& now) { return metrics(now, open_metrics); });
    }
    if (exchange.path() == "/healthz") {
      return health(exchange);
    }
    if (exchange.path() == "/" || exchange.path() == "/paused") {
      bool refreshes = exchange.path() == "/";
      return show(exchange, "text/html; charset=utf-8", [=, this](const board::Snapshot& now) {
        return status_page(now, options_.show_addresses, refreshes);
      });
    }
    exchange.reply(404, kText, "the only pages are /metrics, /healthz, / and /paused\n");
  }

  void health(const Exchange& exchange) {
    ask(Ask::kHealth, [exchange](const Answer& answer) {
      exchange.reply(answer.ok ? 200 : 503, kText, answer.text + "\n");
    });
  }

  void show(const Exchange& exchange, const char* media_type,
            const std::function<std::string(const board::Snapshot&)>& view) {
    ask(Ask::kSnapshot, [=](const Answer& answer) {
      auto snapshot = board::unpack_snapshot(answer.text);
      if (!snapshot) return exchange.reply(500, kText, "no snapshot\n");
      exchange.reply(200, media_type, view(*snapshot));
    });
  }

  // Requests that arrive while an answer is on its way wait for the next answer, because an answer
  // must not be older than its request.
  void ask(Ask what, Then then) {
    auto& queue = queues_[what];
    queue.waiting.push_back(std::move(then));
    if (queue.asked.empty()) send(what, queue);
  }

  struct Queue {
    std::vector<Then> asked;  // waiting for the answer to the current request
    std::vector<Then> waiting;
  };

  void send(Ask what, Queue& queue) {
    queue.asked = std::exchange(queue.waiting, {});
    char octet = static_cast<char>(what);
    sys::put(master_, {&octet, 1});
  }

  void read_answers() {
    auto octets = sys::take(master_, kReadAtOnce);
    if (!octets) {
      from_master_.reset();
      return http_.finish([this] { loop_.stop(); });
    }
    answers_.add(*octets);
    while (auto answer = answers_.next()) {
      auto& queue = queues_[answer->to];
      for (const auto& then : std::exchange(queue.asked, {})) then(*answer);
      if (!queue.waiting.empty()) send(answer->to, queue);
    }
  }

  const Options options_;
  const sys::Fd& master_;
  EventLoop loop_;
  std::unique_ptr<EventLoop::Watch> from_master_;
  AnswerReader answers_;
  std::map<Ask, Queue> queues_;
  HttpServer http_;
};

}  // namespace

int serve(const Options& options, const sys::Fd& listener, const sys::Fd& master) {
  return Process(options, listener, master).run();
}

}  // namespace handoff::status
