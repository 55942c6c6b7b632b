{
  # Two addons. `kernel` parses frames into records and knows no library but simdjson. `producer` hands
  # records to librdkafka, the very library that @confluentinc/kafka-javascript built (its build/deps),
  # found at run time through a relative rpath: one librdkafka, one version in the process.
  # Both are linked with `-z nodelete`: a worker's exit must not unload code a native thread may still run.
  "variables": {
    "kafka_js": "<!(node -p \"require('path').dirname(require.resolve('@confluentinc/kafka-javascript/package.json'))\")",
    "simdjson": "<!(node -p \"require('path').dirname(require.resolve('@nozbe/simdjson/package.json'))\")/src"
  },
  "target_defaults": {
    "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
    "defines": [
      "NAPI_VERSION=9",
      "NODE_ADDON_API_DISABLE_DEPRECATED",
      # A terminated worker can be inside a call: nothing can be thrown then, and that is no reason to abort.
      "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
    ],
    "cflags": ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-fvisibility=hidden", "-O3"],
    "cflags_cc": ["-std=c++20", "-fno-exceptions", "-fno-rtti"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fexceptions"],
    "ldflags": ["-Wl,-z,nodelete"]
  },
  "targets": [
    {
      "target_name": "kernel",
      "sources": ["src/kernel.cc"],
      "defines": ["NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS"],
      "include_dirs": ["src", "<(simdjson)"]
    },
    {
      "target_name": "producer",
      "sources": [
        "src/producer.cc",
        "src/producer_batch.cc",
        "src/producer_client.cc",
        "src/producer_delivery.cc",
        "src/producer_mock.cc",
        "src/producer_mock_bindings.cc"
      ],
      "defines": ["NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS"],
      "include_dirs": ["src", "<(kafka_js)/deps/librdkafka/src"],
      "libraries": ["<(kafka_js)/build/deps/librdkafka.so.1"],
      "ldflags": [
        "-Wl,--disable-new-dtags",
        "-Wl,-rpath,'$$ORIGIN/../../../node_modules/@confluentinc/kafka-javascript/build/deps'"
      ]
    }
  ]
}
