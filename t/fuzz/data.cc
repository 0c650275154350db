// Content. The first octet determines where it is split.
#include <algorithm>
#include <string>
#include <vector>

#include "base/text.hh"
#include "lmtp/data_reader.hh"
#include "lmtp/dialogue.hh"
#include "lmtp/header_filter.hh"
#include "lmtp/reference_header.hh"
#include "targets.hh"

namespace handoff::fuzz {
namespace {

using namespace handoff::lmtp;

std::vector<std::string> cut(std::string_view text, std::size_t size) {
  std::vector<std::string> out;
  for (; !text.empty(); text.remove_prefix(std::min(size, text.size()))) {
    out.emplace_back(text.substr(0, size));
  }
  return out;
}

// Implements RFC 5321 4.5.2 literally. Returns the content and removes it, with its end, from
// `text`.
std::optional<std::string> reference_data(std::string_view& text) {
  std::string content;
  auto rest = text;
  for (;;) {
    auto end = rest.find("\r\n");
    if (end == rest.npos) return std::nullopt;
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line == ".") break;
    if (line.starts_with('.')) line.remove_prefix(1);
    content += std::string(line) + "\r\n";
  }
  text = rest;
  return content;
}

void reader(std::string_view text, std::size_t size) {
  auto rest = text;
  auto expected = reference_data(rest);
  DataReader reader;
  std::string content;
  std::size_t consumed = 0;
  bool ended = false;
  for (const auto& part : cut(text, size)) {
    std::string_view input = part;
    while (!input.empty() && !ended) {
      auto piece = reader.next(input);
      content += piece.octets;
      ended = piece.end;
    }
    consumed += part.size() - input.size();
    if (ended) break;
  }
  require(ended == expected.has_value(), "data ends somewhere else");
  if (!ended) return;
  require(content == *expected, "content differs from the octets that were sent");
  require(consumed == text.size() - rest.size(), "more or less than the data was consumed");
}

// Returns the header without Return-Path:, line by line.
std::string reference_filter(std::string_view text) {
  std::string out;
  bool dropping = false;
  auto body = missing_blank_line(text);
  auto rest = text;
  while (!rest.empty()) {
    if (body && text.size() - rest.size() == *body) return out + std::string(rest);
    auto end = rest.find('\n');
    auto line = rest.substr(0, end == rest.npos ? end : end + 1);
    bool folded = line.front() == ' ' || line.front() == '\t';
    if (line == "\n" || line == "\r\n") return out + std::string(rest);
    if (!folded) dropping = iequals(trim(line.substr(0, line.find(':'))), "Return-Path");
    if (!dropping) out += line;
    rest.remove_prefix(line.size());
  }
  return out;
}

void header(std::string_view text, std::size_t size) {
  std::string first;
  HeaderFilter::Facts facts;
  for (auto pieces : {text.size(), size}) {
    HeaderFilter filter([](std::string_view value) {
      require(value.find_first_of("\r\n") == value.npos, "a line end in Delivered-To:");
    });
    std::string out;
    for (const auto& part : cut(text, pieces)) {
      std::string_view piece = part;
      while (!piece.empty()) out += filter.next(piece);
    }
    out += filter.finish();
    if (pieces == text.size()) {
      first = out;
      facts = filter.facts();
    }
    require(out == first, "a header is another in other pieces");
    const auto& again = filter.facts();
    require(again.received == facts.received && again.message_id == facts.message_id &&
                again.queue_id == facts.queue_id,
            "the facts of a header are others in other pieces");
  }
  require(first == reference_filter(text), "a header is not what the reference says");
}

// Sends the same content by DATA and, in chunks, by BDAT.
void both_ways(std::string_view text, std::size_t size) {
  std::string content(text.substr(0, text.rfind("\r\n") == text.npos ? 0 : text.rfind("\r\n") + 2));
  std::string stuffed;
  bool line_start = true;
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (line_start && content[i] == '.') stuffed += '.';
    stuffed += content[i];
    line_start = i > 0 && content[i] == '\n' && content[i - 1] == '\r';
  }
  auto start = hello() + envelope_of({"a@x.example", "full@x.example", "A@x.example"});
  Dialogue by_data;
  by_data.send(start + "DATA\r\n");
  auto replies = by_data.send(stuffed + ".\r\nNOOP\r\n");

  Dialogue by_bdat;
  by_bdat.send(start);
  for (const auto& chunk : cut(content, size)) {
    auto reply = by_bdat.send("BDAT " + std::to_string(chunk.size()) + "\r\n" + chunk);
    require(codes(reply) == "250 2.0.0", "not one reply to a chunk");
  }
  require(by_bdat.send("BDAT 0 LAST\r\nNOOP\r\n") == replies, "other replies than to DATA");
  require(by_bdat.messages == by_data.messages, "another message than by DATA");
}

void newlines(std::string_view text, std::size_t size) {
  NewlineCheck whole, parts;
  whole.look_at(text);
  for (const auto& part : cut(text, size)) parts.look_at(part);
  require(whole.bare(true) == parts.bare(true), "a bare newline, seen in some reads alone");
}

}  // namespace

void data(std::string_view octets) {
  if (octets.empty() || octets.size() > 4096) return;
  auto size = std::size_t{1} + (static_cast<unsigned char>(octets.front()) & 31);
  octets.remove_prefix(1);
  reader(octets, size);
  header(octets, size);
  newlines(octets, size);
  both_ways(octets, size);
}

}  // namespace handoff::fuzz
