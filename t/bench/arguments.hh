// The command line of a benchmark program: `--name value` pairs and nothing else. An error is
// printed on standard error and ends the program with EX_USAGE.
#pragma once

#include <sysexits.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "base/text.hh"

namespace handoff::bench {

class Arguments {
 public:
  // `known` maps every name to its default; `usage` is what --help prints.
  Arguments(int argc, char** argv, std::map<std::string, std::string> known, const char* usage)
      : values_(std::move(known)) {
    for (int i = 1; i < argc; i += 2) {
      std::string name = argv[i];
      if (name == "--help") {
        std::cout << usage;
        std::exit(EX_OK);
      }
      auto found = name.starts_with("--") ? values_.find(name.substr(2)) : values_.end();
      if (found == values_.end() || i + 1 == argc) die(name + ": not an option with a value");
      found->second = argv[i + 1];
    }
  }

  const std::string& text(const std::string& name) const { return values_.at(name); }

  std::uint64_t number(const std::string& name) const {
    auto value = parse_number(text(name));
    if (!value) die("--" + name + " wants a number");
    return *value;
  }

  // Seconds, with a fraction.
  double seconds(const std::string& name) const {
    char* end = nullptr;
    double value = std::strtod(text(name).c_str(), &end);
    if (*end != '\0' || text(name).empty() || value < 0) die("--" + name + " wants seconds");
    return value;
  }

  [[noreturn]] static void die(const std::string& what) {
    std::cerr << what << "\n";
    std::exit(EX_USAGE);
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace handoff::bench
