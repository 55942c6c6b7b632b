// librdkafka's header, whose warnings are not ours to mend.
#pragma once
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-qualifiers"
#include "rdkafka.h"
#include "rdkafka_mock.h"
#pragma GCC diagnostic pop
