// simdjson and its implementation in this one translation unit. `system_header` silences its warnings;
// ours stay errors.
#pragma once
#pragma GCC system_header
#define SIMDJSON_EXCEPTIONS 0
#define SIMDJSON_DEVELOPMENT_CHECKS 0
#include "simdjson.h"
#include "simdjson.cpp"
