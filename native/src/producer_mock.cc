#include "producer_mock.h"

#include <map>
#include <mutex>

namespace sluice {
namespace {

struct Cluster {
  rd_kafka_t* client;
  rd_kafka_mock_cluster_t* cluster;
};

// Never destroyed: the process may end while a cluster's threads still run.
std::mutex& mutex() {
  static auto* const one = new std::mutex();
  return *one;
}
std::map<uint32_t, Cluster>& clusters() {
  static auto* const all = new std::map<uint32_t, Cluster>();
  return *all;
}

rd_kafka_mock_cluster_t* find(uint32_t id) {
  const auto found = clusters().find(id);
  return found == clusters().end() ? nullptr : found->second.cluster;
}

}  // namespace

uint32_t mock_start(int brokers, std::string* bootstrap, std::string* error) {
  char message[512] = "";
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "client.id", "sluice-embedded", nullptr, 0);
  rd_kafka_conf_set(conf, "log_level", "3", nullptr, 0);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, message, sizeof message);
  if (client == nullptr) {
    *error = message;
    rd_kafka_conf_destroy(conf);
    return 0;
  }
  rd_kafka_mock_cluster_t* cluster = rd_kafka_mock_cluster_new(client, brokers);
  if (cluster == nullptr) {
    *error = "no loopback listener";
    rd_kafka_destroy(client);
    return 0;
  }
  *bootstrap = rd_kafka_mock_cluster_bootstraps(cluster);
  static uint32_t last = 0;
  std::lock_guard<std::mutex> lock(mutex());
  const uint32_t id = ++last;
  clusters()[id] = {client, cluster};
  return id;
}

bool mock_stop(uint32_t id) {
  Cluster stopped{};
  {
    std::lock_guard<std::mutex> lock(mutex());
    const auto found = clusters().find(id);
    if (found == clusters().end()) return false;
    stopped = found->second;
    clusters().erase(found);
  }
  rd_kafka_mock_cluster_destroy(stopped.cluster);
  rd_kafka_destroy(stopped.client);
  return true;
}

rd_kafka_resp_err_t mock_create_topic(uint32_t id, const std::string& topic, int partitions,
                                      int replication) {
  std::lock_guard<std::mutex> lock(mutex());
  rd_kafka_mock_cluster_t* cluster = find(id);
  if (cluster == nullptr) return RD_KAFKA_RESP_ERR__STATE;
  return rd_kafka_mock_topic_create(cluster, topic.c_str(), partitions, replication);
}

bool mock_push_errors(uint32_t id, int16_t api_key,
                      const std::vector<rd_kafka_resp_err_t>& errors) {
  std::lock_guard<std::mutex> lock(mutex());
  rd_kafka_mock_cluster_t* cluster = find(id);
  if (cluster == nullptr) return false;
  rd_kafka_mock_push_request_errors_array(cluster, api_key, errors.size(), errors.data());
  return true;
}

bool mock_topic_error(uint32_t id, const std::string& topic, rd_kafka_resp_err_t error) {
  std::lock_guard<std::mutex> lock(mutex());
  rd_kafka_mock_cluster_t* cluster = find(id);
  if (cluster == nullptr) return false;
  rd_kafka_mock_topic_set_error(cluster, topic.c_str(), error);
  return true;
}

bool mock_broker_up(uint32_t id, int32_t broker, bool up) {
  std::lock_guard<std::mutex> lock(mutex());
  rd_kafka_mock_cluster_t* cluster = find(id);
  if (cluster == nullptr) return false;
  return (up ? rd_kafka_mock_broker_set_up(cluster, broker)
             : rd_kafka_mock_broker_set_down(cluster, broker)) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool mock_broker_rtt(uint32_t id, int32_t broker, int rtt_ms) {
  std::lock_guard<std::mutex> lock(mutex());
  rd_kafka_mock_cluster_t* cluster = find(id);
  if (cluster == nullptr) return false;
  return rd_kafka_mock_broker_set_rtt(cluster, broker, rtt_ms) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace sluice
