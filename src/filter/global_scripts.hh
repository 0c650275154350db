// The scripts of the site: sieve.before, sieve.after and sieve.default.
#pragma once

#include <string>
#include <vector>

#include "base/result.hh"
#include "conf/config.hh"
#include "sieve/engine.hh"
#include "sys/files.hh"

namespace handoff::filter {

// Returns the paths of these scripts.
std::vector<std::string> global_scripts(const conf::Config& config);
sieve::Limits limits_of(const conf::Config& config);

// Compiles these scripts; fails with the first error, and the setting that names the script. A
// personal script that one of them includes counts as empty. May block.
Status check_global_scripts(const conf::Config& config, const sieve::Engine& engine,
                            sys::Files& files);

// Returns the path of an included script of that name in a directory.
std::string included_path(const std::string& directory, std::string_view name);

}  // namespace handoff::filter
