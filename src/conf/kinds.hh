// The kinds of settings: each makes one row of the table in settings.cc. `member` is a function
// from Config& to the member that the value goes to.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/units.hh"
#include "conf/settings.hh"

namespace handoff::conf {

// A value that is kept as it is written; `fault` says why it cannot be, or nothing.
template <class Member>
Setting text(std::string_view name, std::string_view type, std::string_view value,
             std::string (*fault)(std::string_view), Member member, std::string_view help) {
  return {name, type, {value}, help, [=](Config& config, std::string_view written) {
            std::string why = fault(written);
            if (why.empty()) member(config) = std::string(written);
            return why;
          }};
}

// A number that `parse` reads and that lies between `min` and `max`, both as they are written.
template <class Parse, class Member>
Setting ranged(std::string_view name, std::string_view type, Parse parse, std::string_view value,
               std::string_view min, std::string_view max, Member member, std::string_view help) {
  return {name, type, {value}, help, [=](Config& config, std::string_view written) -> std::string {
            auto number = parse(written);
            if (!number || *number < *parse(min) || *number > *parse(max)) {
              return "must be " + std::string(min) + " to " + std::string(max);
            }
            auto& slot = member(config);
            slot = static_cast<std::remove_reference_t<decltype(slot)>>(*number);
            return {};
          }};
}

// A number that `parse` reads, or a part of a whole in per cent.
template <class Member>
Setting share(std::string_view name, std::string_view type,
              std::optional<std::uint64_t> (*parse)(std::string_view), std::string_view value,
              Member member, std::string_view help) {
  return {name, type, {value}, help, [=](Config& config, std::string_view written) -> std::string {
            auto amount = parse_share(written, parse);
            if (!amount) return "must be a number, or 0% to 99%";
            member(config) = *amount;
            return {};
          }};
}

// One of a few words.
template <class Value, class Member>
Setting choice(std::string_view name, std::string_view type, std::string_view value,
               std::initializer_list<std::pair<std::string_view, Value>> words, Member member,
               std::string_view help) {
  return {name,
          type,
          {value},
          help,
          [=, list = std::vector(words)](Config& config, std::string_view written) -> std::string {
            std::string known;
            for (const auto& [word, meaning] : list) {
              if (word == written) {
                member(config) = meaning;
                return {};
              }
              if (!known.empty()) known += word == list.back().first ? " or " : ", ";
              known += word;
            }
            return "must be " + known;
          }};
}

// One more element of a list; `parse` gives an optional.
template <class Parse, class Member>
Setting list(std::string_view name, std::string_view type, std::vector<std::string_view> values,
             Parse parse, std::string_view must, Member member, std::string_view help) {
  return {name,
          type,
          std::move(values),
          help,
          [=](Config& config, std::string_view written) -> std::string {
            auto element = parse(written);
            if (!element) return std::string(must);
            member(config).push_back(*element);
            return {};
          },
          /*repeats=*/true};
}

// A change of this one needs a restart: it is bound or opened before anything is served.
inline Setting at_start(Setting setting) {
  setting.reloads = false;
  return setting;
}

}  // namespace handoff::conf
