// librdkafka's in-memory cluster on loopback: the embedded Kafka, and the tests' fault injector. It
// belongs to the process: whoever starts one stops it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "producer_rdkafka.h"

namespace sluice {

// Id of the new cluster, or 0 with *error set. `bootstrap` receives host:port,…
uint32_t mock_start(int brokers, std::string* bootstrap, std::string* error);
bool mock_stop(uint32_t id);
rd_kafka_resp_err_t mock_create_topic(uint32_t id, const std::string& topic, int partitions,
                                      int replication);
// The next requests of this kind are answered with these errors, one each.
bool mock_push_errors(uint32_t id, int16_t api_key, const std::vector<rd_kafka_resp_err_t>& errors);
bool mock_topic_error(uint32_t id, const std::string& topic, rd_kafka_resp_err_t error);
bool mock_broker_up(uint32_t id, int32_t broker, bool up);
bool mock_broker_rtt(uint32_t id, int32_t broker, int rtt_ms);

}  // namespace sluice
