// Everything that a script may use: commands, tests, tags, comparators, and the extensions that add
// them.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "sieve/kind.hh"

namespace handoff::sieve {

// A name that `require` accepts.
struct Extension {
  std::string_view name;
  // Other extensions that it activates, separated by blanks.
  std::string_view includes = {};
  // Other extensions on which it depends, and which the script must require too.
  std::string_view needs = {};
};

class Language {
 public:
  // Returns the language that handoff-sieve(7) describes.
  static const Language& standard();

  const Kind* command(std::string_view name) const { return find(commands_, name); }
  const Kind* test(std::string_view name) const { return find(tests_, name); }
  const TagRow* tag(Tag tag) const;
  const Extension* extension(std::string_view name) const;
  std::span<const Extension> extensions() const { return extensions_; }
  // Returns whether variables may be called NAME.something. True if `name` is empty: no namespace.
  bool knows_namespace(std::string_view name) const {
    return name.empty() || std::ranges::find(namespaces_, name) != namespaces_.end();
  }

  // Adds to the language, for programs that test it. The rows must outlive the language.
  void add(std::span<const Kind> kinds);
  void add(std::span<const TagRow> tags) { tags_.insert(tags_.end(), tags.begin(), tags.end()); }
  void add(const Extension& extension) { extensions_.push_back(extension); }
  void add_namespace(std::string_view name) { namespaces_.push_back(name); }

 private:
  static const Kind* find(const std::vector<const Kind*>& kinds, std::string_view name);

  std::vector<const Kind*> commands_;
  std::vector<const Kind*> tests_;
  std::vector<TagRow> tags_;
  std::vector<Extension> extensions_;
  std::vector<std::string_view> namespaces_{"global", "env"};
};

}  // namespace handoff::sieve
