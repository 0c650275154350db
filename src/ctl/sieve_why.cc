// handoffctl sieve why: why a message is where it is, from the log.
#include <fstream>
#include <iostream>
#include <optional>

#include "ctl/log_line.hh"
#include "ctl/sieve_commands.hh"

namespace handoff::ctl {
namespace {

// "1764.M1P2Q3R4" of "new/1764.M1P2Q3R4.host,S=5:2,S", the file of the message. Other ids stay.
std::string id_of_message(std::string text) {
  if (auto slash = text.rfind('/'); slash != text.npos) text.erase(0, slash + 1);
  auto dot = text.find('.');
  if (dot == text.npos || text.compare(dot, 2, ".M") != 0) return text;
  auto end = text.find_first_of(".,:", dot + 1);
  return end == text.npos ? text : text.substr(0, end);
}

bool concerns(const LogLine& line, const std::string& id) {
  for (const auto* key : {"id", "queue_id"}) {
    if (line.field(key) == id) return true;
  }
  auto message_id = line.field("message_id");
  return !message_id.empty() && (message_id == id || message_id == "<" + id + ">");
}

// "line 12 of /home/pat/.dovecot.sieve, rule "Lists""
std::string place_of(const LogLine& line) {
  auto script = line.field("script");
  auto number = line.field("line");
  if (script.empty() && number.empty()) return {};
  auto out = number.empty() ? "the end of " : "line " + number + " of ";
  out += script.empty() ? "the script" : escape(script);
  auto rule = line.field("rule");
  if (!rule.empty()) out += ", rule \"" + escape(rule) + "\"";
  return out;
}

std::string words(const LogLine& line) {
  auto action = line.field("action");
  auto folder = line.field("folder");
  auto target = escape(folder);
  auto stored = folder.empty() ? std::string("stored in the inbox")
                               : "stored in the folder \"" + target + "\"";
  if (action.empty() || action == "keep" || action == "fileinto") return stored;
  if (action == "redirect") return "redirected to " + target;
  if (action == "discard") return "discarded";
  if (action == "reject" || action == "ereject") return "rejected";
  if (action == "vacation") return "answered by vacation" + (folder.empty() ? "" : ": " + target);
  if (action == "notify") return "notified" + (folder.empty() ? "" : ": " + target);
  return escape(action) + (folder.empty() ? "" : " " + target);
}

void print_decision(const LogLine& line) {
  std::cout << "  " << words(line);
  if (auto place = place_of(line); !place.empty()) {
    std::cout << ", by " << place << "\n";
  } else if (line.field("action").empty()) {
    std::cout << ", no script decided this\n";
  } else {
    std::cout << ", because no script decided otherwise\n";
  }
}

// Prints lines in the order of the log. A line "filtered" repeats the decision of the line
// "delivered" before it and adds others.
class Story {
 public:
  void tell(const LogLine& line) {
    if (line.is("filtered")) {
      pending_.reset();  // this line repeats it
      return print_decision(line);
    }
    if (line.is("delivered") || line.is("discarded")) {
      flush();
      begin(line, line.field("status") == "already-delivered"
                      ? "delivered by an earlier try, which this one repeats"
                      : "accepted");
      if (line.field("status") != "already-delivered") pending_ = line;
      return;
    }
    auto outgoing = line.message.find("outgoing message");
    bool sends = outgoing != std::string::npos;
    bool refused = !sends && (line.is("deferred") || line.is("refused"));
    if (refused || sends || line.is("script has an error, message kept")) {
      flush();
      auto what = sends     ? line.message.substr(outgoing)
                  : refused ? std::string(line.is("deferred") ? "deferred" : "refused")
                            : std::string("script has an error, message kept");
      begin(line, what);
      if (refused && !line.field("action").empty()) print_decision(line);
      for (const auto* key : {"reply", "cause"}) {
        if (!line.field(key).empty()) std::cout << "  " << escape(line.field(key)) << "\n";
      }
    }
  }
  // Prints the decision of the last line "delivered" if no line "filtered" has repeated it.
  void flush() {
    if (pending_) print_decision(*pending_);
    pending_.reset();
  }
  bool empty() const { return empty_; }

 private:
  void begin(const LogLine& line, const std::string& what) {
    empty_ = false;
    std::cout << escape(line.field("id")) << " to " << escape(line.field("to")) << ": " << what
              << "\n";
  }

  std::optional<LogLine> pending_;
  bool empty_ = true;
};

}  // namespace

int sieve_why(Invocation& invocation) {
  auto id = id_of_message(invocation.arguments.front());
  invocation.arguments.erase(invocation.arguments.begin());
  auto path = take_option(invocation.arguments, "--log", "-");
  invocation.expect_no_more();
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) throw conf::ConfigError(path + ": cannot be read", EX_NOINPUT);
  }
  auto& in = path == "-" ? std::cin : file;
  Story story;
  for (std::string text; std::getline(in, text);) {
    // Most lines concern other messages.
    if (text.find(id) == text.npos) continue;
    auto line = parse_log_line(text);
    if (line && concerns(*line, id)) story.tell(*line);
  }
  story.flush();
  if (!story.empty()) return EX_OK;
  std::cerr << "handoffctl: the log has no delivery of " << escape(id) << "\n";
  return EX_NOINPUT;
}

}  // namespace handoff::ctl
