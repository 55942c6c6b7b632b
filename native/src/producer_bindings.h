// What the addon's N-API functions share: the state of one thread's bindings, and argument checks.
#pragma once
#include <napi.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice {

// What one thread has made and attached. Its end closes its own producers and clusters and withdraws
// its ring views from the others', which go on without it.
class Bindings {
 public:
  ~Bindings();

  // The references keep the shared memory alive for as long as native code may touch it.
  std::map<uint32_t, Napi::Reference<Napi::Float64Array>> created;
  std::map<uint32_t, std::vector<Napi::Reference<Napi::Uint8Array>>> attached;
  std::vector<uint32_t> clusters;
};

inline Bindings* bindings(const Napi::CallbackInfo& info) {
  return info.Env().GetInstanceData<Bindings>();
}

inline Napi::Value fail(const Napi::CallbackInfo& info, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(info.Env(), message);
  error.Set("code", Napi::String::New(info.Env(), code));
  error.ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

inline Napi::Value bad_arguments(const Napi::CallbackInfo& info) {
  return fail(info, "SLUICE_INVARIANT", "calling the producer addon: wrong arguments");
}

inline uint32_t u32(const Napi::CallbackInfo& info, size_t index) {
  return info[index].IsNumber() ? info[index].As<Napi::Number>().Uint32Value() : 0xffffffffu;
}

inline std::string text(const Napi::CallbackInfo& info, size_t index) {
  return info[index].IsString() ? info[index].As<Napi::String>().Utf8Value() : std::string();
}

// Adds the embedded cluster's functions.
void add_mock_functions(Napi::Env env, Napi::Object exports);

}  // namespace sluice
