// N-API functions of the embedded cluster.
#include <napi.h>

#include "producer_bindings.h"
#include "producer_mock.h"

namespace sluice {
namespace {

// startMockCluster(brokers): {id, bootstrap}
Napi::Value start_mock_cluster(const Napi::CallbackInfo& info) {
  std::string bootstrap;
  std::string error;
  const uint32_t id = mock_start(static_cast<int>(u32(info, 0)), &bootstrap, &error);
  if (id == 0) return fail(info, "SLUICE_SINK_CONFIG", "starting embedded Kafka: " + error);
  bindings(info)->clusters.push_back(id);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("id", id);
  result.Set("bootstrap", bootstrap);
  return result;
}

Napi::Value stop_mock_cluster(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), mock_stop(u32(info, 0)));
}

// mockCreateTopic(id, topic, partitions, replication): error name or ''
Napi::Value mock_create(const Napi::CallbackInfo& info) {
  const rd_kafka_resp_err_t error =
      mock_create_topic(u32(info, 0), text(info, 1), static_cast<int>(u32(info, 2)),
                        static_cast<int>(u32(info, 3)));
  return Napi::String::New(info.Env(),
                           error == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : rd_kafka_err2name(error));
}

Napi::Value mock_errors(const Napi::CallbackInfo& info) {
  if (!info[2].IsArray()) return bad_arguments(info);
  const auto codes = info[2].As<Napi::Array>();
  std::vector<rd_kafka_resp_err_t> errors;
  for (uint32_t index = 0; index < codes.Length(); index++) {
    errors.push_back(
        static_cast<rd_kafka_resp_err_t>(codes.Get(index).ToNumber().Int32Value()));
  }
  return Napi::Boolean::New(
      info.Env(), mock_push_errors(u32(info, 0), static_cast<int16_t>(u32(info, 1)), errors));
}

Napi::Value mock_set_topic_error(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(
      info.Env(), mock_topic_error(u32(info, 0), text(info, 1),
                                   static_cast<rd_kafka_resp_err_t>(u32(info, 2))));
}

Napi::Value mock_set_broker(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(),
                            mock_broker_up(u32(info, 0), static_cast<int32_t>(u32(info, 1)),
                                           info[2].ToBoolean().Value()));
}

Napi::Value mock_set_rtt(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(),
                            mock_broker_rtt(u32(info, 0), static_cast<int32_t>(u32(info, 1)),
                                            static_cast<int>(u32(info, 2))));
}

}  // namespace

void add_mock_functions(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, call, name));
  };
  add("startMockCluster", start_mock_cluster);
  add("stopMockCluster", stop_mock_cluster);
  add("mockCreateTopic", mock_create);
  add("mockPushErrors", mock_errors);
  add("mockTopicError", mock_set_topic_error);
  add("mockSetBroker", mock_set_broker);
  add("mockSetRtt", mock_set_rtt);
}

}  // namespace sluice
