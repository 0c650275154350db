// Compiled once and used by every unit test (see Makefile): Boost.Test costs seconds
// per file otherwise. A test still includes what it uses.
#ifndef HANDOFF_UNIT_PRECOMPILED_HH  // it is compiled by itself, where #pragma once warns
#define HANDOFF_UNIT_PRECOMPILED_HH
#include "config.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#endif
