// Compiled once and used by every unit test (see Makefile): Boost.Test costs seconds
// per file otherwise. A test still includes what it uses.
#ifndef HANDOFF_UNIT_PRECOMPILED_HH  // compiled separately, where #pragma once causes a warning
#define HANDOFF_UNIT_PRECOMPILED_HH
#include "config.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#endif
