// The kernel as a Node addon: argument checks and nothing else; the work is in kernel_core.h. Context
// aware: every worker that loads it gets its own class and its own instances, nothing is shared.
#include <napi.h>

#include <cstdint>
#include <string>

#include "kernel_core.h"

namespace {

struct View {
  uint8_t* data = nullptr;
  size_t bytes = 0;
};

// A typed array over shared memory. `napi_get_typedarray_info` is the only way that works for views of a
// SharedArrayBuffer on Node 20; their `.buffer` is not a plain ArrayBuffer.
bool read_view(Napi::Env env, const Napi::Value& value, napi_typedarray_type wanted, View* view) {
  if (!value.IsTypedArray()) return false;
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != wanted || data == nullptr) {
    return false;
  }
  view->data = static_cast<uint8_t*>(data);
  view->bytes = wanted == napi_float64_array ? length * sizeof(double) : length;
  return true;
}

// Exchange names go into every record as they are.
bool is_exchange_name(const std::string& name) {
  if (name.empty() || name.size() > 32) return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
  }
  return true;
}

const char* describe(sluice::KernelError error) {
  switch (error) {
    case sluice::KernelError::frame_ring: return "frameRing is not a frame ring of this layout";
    case sluice::KernelError::record_ring: return "recordRing is not a record ring of this layout";
    case sluice::KernelError::counters: return "counters or activity are too short";
    case sluice::KernelError::exchanges: return "exchanges: between 1 and 8 are needed";
    case sluice::KernelError::epoch: return "this epoch does not own the rings";
    case sluice::KernelError::memory: return "out of memory";
    case sluice::KernelError::none: break;
  }
  return "";
}

const char* code_of(sluice::KernelError error) {
  return error == sluice::KernelError::epoch ? "SLUICE_RING_OWNERSHIP" : "SLUICE_RING_LAYOUT";
}

class KernelObject : public Napi::ObjectWrap<KernelObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Kernel",
        {InstanceMethod<&KernelObject::parse>("parse"),
         InstanceAccessor<&KernelObject::record_ring_full>("recordRingFull")});
  }

  explicit KernelObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<KernelObject>(info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 1 || !info[0].IsObject()) {
      Napi::TypeError::New(env, "Kernel: an options object is needed").ThrowAsJavaScriptException();
      return;
    }
    const Napi::Object options = info[0].As<Napi::Object>();
    View frames;
    View records;
    View counters;
    View activity;
    sluice::KernelOptions core = {};
    if (!read_view(env, options.Get("frameRing"), napi_uint8_array, &frames) ||
        !read_view(env, options.Get("recordRing"), napi_uint8_array, &records) ||
        !read_view(env, options.Get("counters"), napi_float64_array, &counters) ||
        !read_view(env, options.Get("activity"), napi_float64_array, &activity) ||
        !options.Get("epoch").IsNumber() || !read_exchanges(options, &core)) {
      Napi::TypeError::New(env, "Kernel: an option is missing, of the wrong type, or unknown")
          .ThrowAsJavaScriptException();
      return;
    }
    const Napi::Value version = options.Get("layoutVersion");
    if (!version.IsNumber() ||
        version.As<Napi::Number>().DoubleValue() != sluice::RING_LAYOUT_VERSION) {
      Napi::Error failure = Napi::Error::New(env, "Kernel: built for another ring layout");
      failure.Set("code", Napi::String::New(env, "SLUICE_NATIVE_MISMATCH"));
      failure.ThrowAsJavaScriptException();
      return;
    }
    core.frame_ring = frames.data;
    core.frame_ring_bytes = frames.bytes;
    core.record_ring = records.data;
    core.record_ring_bytes = records.bytes;
    core.counters = reinterpret_cast<double*>(counters.data);
    core.counter_words = counters.bytes / sizeof(double);
    core.activity = reinterpret_cast<double*>(activity.data);
    core.activity_words = activity.bytes / sizeof(double);
    core.epoch = options.Get("epoch").As<Napi::Number>().Int32Value();
    const sluice::KernelError error = kernel_.open(core);
    if (error != sluice::KernelError::none) {
      Napi::Error failure = Napi::Error::New(env, std::string("Kernel: ") + describe(error));
      failure.Set("code", Napi::String::New(env, code_of(error)));
      failure.ThrowAsJavaScriptException();
      return;
    }
    // The views keep the shared memory alive for as long as this object lives.
    Napi::Array views = Napi::Array::New(env, 4);
    views.Set(uint32_t{0}, options.Get("frameRing"));
    views.Set(uint32_t{1}, options.Get("recordRing"));
    views.Set(uint32_t{2}, options.Get("counters"));
    views.Set(uint32_t{3}, options.Get("activity"));
    memory_ = Napi::Persistent(views.As<Napi::Object>());
    open_ = true;
  }

 private:
  static bool read_exchanges(const Napi::Object& options, sluice::KernelOptions* core) {
    const Napi::Value value = options.Get("exchanges");
    if (!value.IsArray()) return false;
    const Napi::Array list = value.As<Napi::Array>();
    for (uint32_t index = 0; index < list.Length() && index < sluice::EXCHANGES_MAX + 1; index++) {
      const Napi::Value element = list.Get(index);
      if (!element.IsObject()) return false;
      const Napi::Value name = element.As<Napi::Object>().Get("exchange");
      const Napi::Value profile = element.As<Napi::Object>().Get("profile");
      if (!name.IsString() || !profile.IsString()) return false;
      if (profile.As<Napi::String>().Utf8Value() != "binance-spot") return false;
      core->exchanges.push_back(name.As<Napi::String>().Utf8Value());
      if (!is_exchange_name(core->exchanges.back())) return false;
    }
    return true;
  }

  Napi::Value parse(const Napi::CallbackInfo& info) {
    int32_t frames_max = 0;
    if (info.Length() < 1 || napi_get_value_int32(info.Env(), info[0], &frames_max) != napi_ok ||
        frames_max < 0 || !open_) {
      Napi::TypeError::New(info.Env(), "parse: a number of frames is needed")
          .ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
    return Napi::Number::New(info.Env(), kernel_.parse(static_cast<uint32_t>(frames_max)));
  }

  Napi::Value record_ring_full(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), kernel_.record_ring_full());
  }

  sluice::Kernel kernel_;
  Napi::ObjectReference memory_;
  bool open_ = false;
};

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("Kernel", KernelObject::define(env));
  exports.Set("layoutVersion", Napi::Number::New(env, sluice::RING_LAYOUT_VERSION));
  exports.Set("simdjsonVersion", Napi::String::New(env, SIMDJSON_VERSION));
  return exports;
}

}  // namespace

NODE_API_MODULE(kernel, initialise)
