// A client that waits for each reply, and knows from the RFCs and not from handoff's code where a
// command or content ends and how many replies it has (RFC 2033 4.2 and 4.3, RFC 3030 2, RFC 4954
// 4). Does not need Boost, so a fuzzer can use it.
//
// The client checks the following, and throws std::logic_error on a violation:
//   - every command has one reply, and content one for each accepted RCPT;
//   - content arrives as it was sent, with dots unstuffed and an empty line before a body that has
//     none, and is never executed as commands;
//   - content is refused for its size exactly if it exceeds the limit.
#pragma once

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/text.hh"
#include "lmtp/dialogue.hh"
#include "lmtp/reference_header.hh"

namespace handoff::lmtp {

class LockStep {
 public:
  LockStep(Dialogue& dialogue, const SessionOptions& options)
      : dialogue_(dialogue), options_(options) {}

  // Sends the octets of a session until it closes.
  void play(std::string_view text) {
    while (!text.empty() && !dialogue_.closed) {
      auto end = end_of_line(text);
      if (end == text.npos) {
        require(dialogue_.send(text).empty(), "a reply to a line that has not ended");
        return;
      }
      auto line = text.substr(0, end);
      text.remove_prefix(end);
      if (auto octets = chunk_of(line)) {
        text.remove_prefix(chunk(line, text, *octets));
      } else {
        command(line);
        if (codes_ == "354") text.remove_prefix(data(text));
      }
    }
  }

 private:
  static void require(bool kept, const char* rule) {
    if (!kept) throw std::logic_error(rule);
  }

  std::string_view::size_type end_of_line(std::string_view text) const {
    auto at = text.find(options_.lenient_newlines ? "\n" : "\r\n");
    return at == text.npos ? at : at + (options_.lenient_newlines ? 1 : 2);
  }

  static std::string_view bare(std::string_view line) {
    line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    return line;
  }

  // Returns how many octets follow a line "BDAT n …", whatever the reply is.
  std::optional<std::uint64_t> chunk_of(std::string_view line) const {
    constexpr std::string_view kVerb = "BDAT ";
    if (in_auth_ || !istarts_with(line, kVerb)) return std::nullopt;
    line = trim(line.substr(kVerb.size()));
    auto end = line.find_first_not_of("0123456789");
    bool whole = end == line.npos || is_control(line[end]) || line[end] == ' ';
    return whole ? parse_number(line.substr(0, end)) : std::nullopt;
  }

  // Sends `unit` and checks the number of replies; a closing session sends one more.
  void say(std::string_view unit, std::size_t due) {
    auto replies = dialogue_.send(unit);
    codes_ = codes(replies);
    auto count = codes_.empty() ? 0 : 1 + std::ranges::count(codes_, ',');
    bool right = static_cast<std::size_t>(count) == due ||
                 (dialogue_.closed && static_cast<std::size_t>(count) == due + 1);
    require(right, "not as many replies as are due");
  }

  void command(std::string_view line) {
    say(line, 1);
    bool positive = codes_.starts_with("250");
    auto text = bare(line);
    auto verb = in_auth_ ? std::string_view() : text.substr(0, text.find(' '));
    in_auth_ = codes_.starts_with("334");
    if (!positive && iequals(verb, "BDAT")) spoiled_ = in_transaction_;
    if (!positive) return;
    if (iequals(verb, "MAIL")) {
      begin(true);
    } else if (iequals(verb, "RCPT")) {
      ++accepted_;
    } else if (iequals(verb, "RSET") || iequals(verb, "LHLO")) {
      begin(false);
    }
  }

  // Sends the content after a 354; returns its length including its end.
  std::size_t data(std::string_view text) {
    std::string content;
    std::string_view rest = text;
    for (;;) {
      auto end = rest.find("\r\n");
      if (end == rest.npos) {
        say(text, 0);
        return text.size();
      }
      auto line = rest.substr(0, end);
      rest.remove_prefix(end + 2);
      if (line == ".") break;
      if (line.starts_with('.')) line.remove_prefix(1);
      content += std::string(line) + "\r\n";
    }
    auto length = text.size() - rest.size();
    say(text.substr(0, length), accepted_);
    hold(content);
    begin(false);
    return length;
  }

  // Sends the chunk after its BDAT; returns its length.
  std::size_t chunk(std::string_view line, std::string_view text, std::uint64_t octets) {
    bool whole = octets <= text.size();
    auto chunk =
        text.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(octets, text.size())));
    auto unit = std::string(line) + std::string(chunk);
    auto argument = trim(bare(line).substr(4));
    auto words = split(argument, ' ');
    std::erase(words, "");
    bool last = iequals(words.back(), "LAST");
    bool clean = line.size() <= 512 && std::ranges::none_of(argument, is_control) &&
                 words.size() == (last ? 2u : 1u);
    bool counts = in_transaction_ && clean;
    std::size_t due = counts && last ? accepted_ : 1;
    if (!whole) {
      say(unit, 0);
      return chunk.size();
    }
    say(unit, due);
    // RFC 3030 2: after a refused chunk there is no message.
    if (in_transaction_ && spoiled_)
      require(codes_.find("250") == codes_.npos, "a message with a hole");
    if (!counts || (accepted_ == 0 && !last)) spoiled_ = in_transaction_;
    if (!counts) return chunk.size();
    if (accepted_ > 0) content_ += chunk;
    if (last) {
      if (accepted_ > 0 && !spoiled_) hold(content_);
      begin(false);
    }
    return chunk.size();
  }

  void begin(bool transaction) {
    in_transaction_ = transaction;
    spoiled_ = false;
    accepted_ = 0;
    content_.clear();
  }

  void hold(const std::string& content) const {
    bool too_large = content.size() > options_.max_message_size;
    require(too_large == (codes_.find("552 5.3.4") != codes_.npos), "the limit of size");
    bool filtered = lower(content).find("return-path") != content.npos;
    bool failing = dialogue_.fail_storing || dialogue_.refuse_content;
    if (too_large || failing || filtered || dialogue_.messages.empty()) return;
    if (codes_.find("550 5.6.11") != codes_.npos || codes_.find("554 5.4.6") != codes_.npos) return;
    auto expected = content;
    auto blank_line = dialogue_.last().binary ? std::nullopt : missing_blank_line(content);
    if (blank_line && *blank_line > 0) expected.insert(*blank_line, "\r\n");
    require(dialogue_.last().body() == expected, "the content is not as it was sent");
  }

  Dialogue& dialogue_;
  const SessionOptions& options_;
  std::string codes_;  // of the last replies
  bool in_auth_ = false;
  bool in_transaction_ = false;
  bool spoiled_ = false;      // a BDAT of this transaction was refused
  std::size_t accepted_ = 0;  // RCPTs
  std::string content_;       // of chunks so far
};

}  // namespace handoff::lmtp
