// The part of the master that answers who asks: handoffctl by the control socket, anybody by HTTP.
#include <string_view>
#include <utility>

#include "master/metrics.hh"
#include "master/page.hh"
#include "master/state.hh"
#include "master/status_report.hh"
#include "sys/clock.hh"
#include "sys/files.hh"
#include "sys/process.hh"

namespace handoff::master {

Status Master::open_control(sys::Fd given) {
  auto listener = control_listener(config(), std::move(given));
  if (!listener) return listener.error();
  control_.serve(loop_, std::move(listener).value(),
                 [this](const Exchange& exchange) { control(exchange); });
  return {};
}

Status Master::open_http(sys::Fd given) {
  if (!config().http.listen) return {};
  auto listener = http_listener(config(), std::move(given));
  if (!listener) return listener.error();
  http_.serve(loop_, std::move(listener).value(),
              [this](const Exchange& exchange) { http(exchange); });
  return {};
}

void Master::control(const Exchange& exchange) {
  auto answer = [exchange](bool ok, const std::string& text) {
    exchange.reply(ok ? 200 : 409, "text/plain", text + "\n");
  };
  auto is = [&](std::string_view method, std::string_view path) {
    return exchange.method() == method && exchange.path() == path;
  };
  if (is("GET", "/status")) {
    show(exchange, "text/plain; charset=utf-8", status_table);
  } else if (is("GET", "/status.json")) {
    show(exchange, "application/json", status_json);
  } else if (is("GET", "/ready")) {
    auto say = [answer, this] {
      answer(true, "serving, pid " + std::to_string(sys::own_pid()) + ", upgrades " +
                       std::to_string(upgrades_));
    };
    if (replacing_) {
      ready_asked_.push_back(exchange);  // the next program answers, when it is asked again
    } else if (ready_generation_ == generation_) {
      say();
    } else {
      when_ready_.push_back(say);
    }
  } else if (is("POST", "/reload")) {
    reload(answer);
  } else if (is("POST", "/upgrade")) {
    upgrade(answer);
  } else if (is("POST", "/drain")) {
    bool already = draining_;
    if (!already) drain("handoffctl");
    answer(true, "draining, pid " + std::to_string(sys::own_pid()));
  } else {
    exchange.reply(404, "text/plain", "no such command\n");
  }
}

void Master::http(const Exchange& exchange) {
  if (exchange.method() != "GET" && exchange.method() != "HEAD") {
    return exchange.reply(405, "text/plain", "GET and HEAD are all there is\n");
  }
  if (exchange.path() == "/metrics") {
    bool open_metrics = exchange.accepts("application/openmetrics-text");
    show(exchange,
         open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                      : "text/plain; version=0.0.4; charset=utf-8",
         [=](const Snapshot& now) { return metrics(now, open_metrics); });
  } else if (exchange.path() == "/healthz") {
    health(exchange);
  } else if (exchange.path() == "/") {
    show(exchange, "text/html; charset=utf-8",
         [this](const Snapshot& now) { return status_page(now, config().http.show_addresses); });
  } else {
    exchange.reply(404, "text/plain", "/metrics, /healthz and / are all there is\n");
  }
}

void Master::health(const Exchange& exchange) {
  if (draining_) return exchange.reply(503, "text/plain", "draining\n");
  std::vector<Endpoint> endpoints;
  for (const auto& listener : listeners_.listeners()) endpoints.push_back(listener.endpoint);
  health_.ask(exchange, [this, endpoints] {
    listeners_.abandon();
    return wiring_.probe(config(), endpoints);
  });
}

void Master::show(const Exchange& exchange, const char* media_type, const Show& text) {
  auto measure = [this]() -> Result<sys::Space> {
    // It may take long, and should not hold them against the next master where this one is killed.
    listeners_.abandon();
    sys::PosixFiles files;
    auto root = files.open_root(config().spool.path);
    if (!root) return root.error();
    return files.space(root.value());
  };
  spool_space_.ask(measure, [=, this] { exchange.reply(200, media_type, text(snapshot())); });
}

Snapshot Master::snapshot() const {
  Snapshot out;
  out.version = wiring_.version;
  out.hostname = config().hostname;
  out.state = draining_ ? "draining" : ready_generation_ == 0 ? "starting" : "serving";
  out.pid = sys::own_pid();
  out.now = unix_time();
  out.started = started_;
  out.generation = generation_;
  out.reloads_refused = reloads_refused_;
  out.upgrades = upgrades_;
  for (const auto& listener : listeners_.listeners())
    out.listen.push_back(listener.endpoint.text());
  out.spool = config().spool.path;
  out.space = spool_space_.last();
  out.workers_max = config().workers.max;
  out.deaths = deaths_;
  out.killed = killed_;
  out.throttles = pool_.throttles();
  out.throttled = pool_.throttled(sys::Steady::now());
  workers_.describe(out, steady_milliseconds());
  out.departing += static_cast<unsigned>(adopted_.size());
  out.minute = history_.minute(out.totals, sys::Steady::now());
  out.recent = history_.recent();
  out.failures = history_.failures();
  return out;
}

}  // namespace handoff::master
