// All numbers that the server reports, each once: the name in the JSON, the metric, the words in
// the table and the row on the page. To add a number, add a row to fields.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "board/snapshot.hh"

namespace handoff::status {

struct Field {
  std::uint64_t (*value)(const board::Snapshot&);
  std::string_view group = {};   // object of the JSON: "totals"; "top": the outermost; empty: none
  std::string_view name = {};    // its key in that object
  std::string_view metric = {};  // without "_total"; rows of one metric are adjacent
  std::string_view label = {};   // distinguishes these rows: outcome="delivered"
  std::string_view help = {};    // text for the metric, in its first row
  bool counter = false;          // the metric's type; otherwise a gauge
  std::string_view line = {};    // line of the table: "since up"
  std::string_view words = {};   // text in the table, with '#' for the number: "# delivered"
  std::string_view row = {};     // row on the page: "delivered"
  std::string_view color = {};   // its colour unless the number is 0: "warn", "bad"
};

std::span<const Field> fields();

// The timed stages of a message, in the order of board::Stage.
struct StageField {
  std::string_view name;    // in the JSON
  std::string_view metric;  // a histogram
  std::string_view help;
  std::string_view row;  // on the page
};
extern const std::array<StageField, board::kStages> kStageFields;

// The refusals so far, the most frequent first.
struct RefusalCount {
  const board::Refusal* row;
  std::uint64_t count;
};
std::vector<RefusalCount> refusals(const board::Snapshot& snapshot);
// "451 lookup failed, at RCPT"
std::string words_of(const board::Refusal& refusal);

// "up 3 min", "down 20 s", "not asked yet"
std::string state_of(const board::BackendFacts& backend, std::int64_t now);

// Whether the number is about Sieve scripts and the messages that they send.
inline bool is_of_scripts(const Field& field) {
  return field.line == "scripts" || field.line == "outgoing";
}
// Whether any such number is not 0. The others are of no interest to a site without scripts.
bool has_scripts(const board::Snapshot& snapshot);

// Busy workers.
unsigned busy(const board::Snapshot& snapshot);

}  // namespace handoff::status
