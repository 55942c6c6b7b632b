# Sluice in one container: built from source, no prebuilt native code but uWebSockets.js' own binary.
#   docker build -t sluice . && docker run --rm -p 8080:8080 -e SLUICE_KAFKA_BROKERS=broker:9092 sluice

FROM node:22-trixie-slim AS build
RUN apt-get update \
  && apt-get install --yes --no-install-recommends \
     g++ make python3 ca-certificates \
     libssl-dev zlib1g-dev libzstd-dev libcurl4-openssl-dev liblz4-dev libsasl2-dev \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app

# Dependencies first: this layer, which builds librdkafka, is kept until the lockfile changes.
COPY package.json package-lock.json .npmrc ./
RUN npm_config_build_from_source=@confluentinc/kafka-javascript CKJS_LINKING=dynamic npm ci

COPY native/binding.gyp native/
COPY native/src native/src
COPY scripts/build-native scripts/
RUN scripts/build-native

COPY tsconfig.json ./
COPY src src
COPY workers workers
RUN npx tsc -b

# What the service does not run: development packages, object files, sources of librdkafka, and
# uWebSockets.js binaries of other platforms and Node versions.
RUN npm prune --omit=dev --ignore-scripts \
  && mkdir -p /addons && mv native/build/Release/kernel.node native/build/Release/producer.node /addons/ \
  && rm -rf native/build && mkdir -p native/build && mv /addons native/build/Release \
  && kafka=node_modules/@confluentinc/kafka-javascript \
  && find "$kafka/build/deps" \( -name '*.a' -o -name 'librdkafka++*' \) -delete \
  && rm -rf "$kafka/deps" "$kafka/build/deps/librdkafka" "$kafka/build/Release/obj.target" \
  && keep="uws_linux_$(node -p process.arch)_$(node -p process.versions.modules).node" \
  && find node_modules/uWebSockets.js/ -maxdepth 1 -name 'uws_*.node' ! -name "$keep" -delete \
  && test -e "node_modules/uWebSockets.js/$keep" \
  && node -e "require('@confluentinc/kafka-javascript'); require('uWebSockets.js')" \
  && node -e "require('@confluentinc/kafka-javascript'); require('./native/build/Release/kernel.node'); require('./native/build/Release/producer.node')"

FROM node:22-trixie-slim
RUN apt-get update \
  && apt-get install --yes --no-install-recommends \
     tini ca-certificates libssl3t64 zlib1g libzstd1 libcurl4t64 liblz4-1 libsasl2-2 libsasl2-modules \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /app/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/native/build/Release native/build/Release
COPY --from=build /app/dist dist
COPY bin bin
COPY config config
COPY LICENSE NOTICE ./

# Inside a container the address decides nothing; who may reach the port is the network's business.
# Calls that change something need SLUICE_ADMIN_TOKEN off loopback.
ENV NODE_ENV=production \
    SLUICE_HTTP_HOST=0.0.0.0 \
    SLUICE_HTTP_PORT=8080
USER node
VOLUME /app/data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SLUICE_HTTP_PORT}/livez`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "bin/sluice"]
CMD ["run"]
