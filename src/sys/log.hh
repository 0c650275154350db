// The log: a constant message and key=value fields, to syslog or standard error, as text or JSON.
// Values come from anywhere and are escaped here; a line never contains a control character.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sys/process.hh"

namespace handoff::sys {

enum class Level { kError, kWarning, kInfo, kDebug };
enum class LogFormat { kText, kJson };

struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  template <class T>
  requires std::is_arithmetic_v<T> Field(std::string_view k, T v)
      : key(k), value(std::to_string(v)) {}
};
using Fields = std::vector<Field>;

class Log {
 public:
  // To standard error.
  Log(LogFormat format, Level level) : format_(format), level_(level) {}
  // To syslog; `facility` is a LOG_… value.
  Log(LogFormat format, Level level, int facility);

  // Writes one line, if `level` is wanted. Never fails and never throws for want of a log: mail
  // goes on. May block where standard error or the syslog socket does.
  void write(Level level, std::string_view message, const Fields& fields = {}) const;
  void error(std::string_view m, const Fields& f = {}) const { write(Level::kError, m, f); }
  void warning(std::string_view m, const Fields& f = {}) const { write(Level::kWarning, m, f); }
  void info(std::string_view m, const Fields& f = {}) const { write(Level::kInfo, m, f); }
  void debug(std::string_view m, const Fields& f = {}) const { write(Level::kDebug, m, f); }

  // While it lives, lines of this process wait. Those for standard error leave together: at
  // flush(), where more would not stay whole in a pipe, or when it ends. Those for syslog, which
  // takes them one by one and may be slow, leave when it ends; the death of the process loses them.
  class Together {
   public:
    explicit Together(const Log& log) : log_(log) { log_.holder_ = own_pid(); }
    ~Together() {
      flush();
      log_.let_go_to_syslog();
      log_.holder_ = 0;
    }
    Together(const Together&) = delete;
    Together& operator=(const Together&) = delete;
    void flush() { log_.let_go(); }

   private:
    const Log& log_;
  };

 private:
  struct SyslogLine {
    int priority;
    std::string text;
  };

  bool waits() const { return holder_ == own_pid(); }
  void let_go() const;
  void let_go_to_syslog() const;

  LogFormat format_;
  Level level_;
  bool syslog_ = false;
  mutable pid_t holder_ = 0;  // whose lines wait; not those of its children
  mutable std::string held_;
  mutable std::vector<SyslogLine> held_for_syslog_;
};

// The line without time and process: `delivered id=… to=<…>` or a JSON object's inside. Fields
// without a value are left out.
std::string format_text(std::string_view message, const Fields& fields);
std::string format_json(std::string_view message, const Fields& fields);

// `line(fields)` in less than `octets`: where it is longer the longest values are cut, so that none
// of the fields is lost where a syslog cuts off the end of a line.
std::string shortened(Fields fields, std::size_t octets,
                      const std::function<std::string(const Fields&)>& line);

// "mail", "daemon", "local0" to "local7" -> LOG_…; -1 for others.
int syslog_facility(std::string_view name);

}  // namespace handoff::sys
