import type { ExchangeLimits } from '../adapter.ts'

/**
 * Spot limits: web-socket-streams of binance-spot-api-docs, read 2026-07-21. The two sizes are not
 * documented: a URL beyond about 8,000 characters was seen refused, a SUBSCRIBE of 4,106 bytes was seen
 * ignored without any answer while 4,088 worked.
 */
export const BINANCE_SPOT_LIMITS: ExchangeLimits = {
  streamsPerConnectionMax: 1024,
  connectsMax: 300,
  connectWindowMs: 300_000,
  messagesPerSecondMax: 5,
  controlBytesMax: 4000,
  urlBytesMax: 7000,
  serverPingMs: 20_000,
  connectionAgeMsMax: 24 * 3600 * 1000,
  restWeightPerMinute: 6000
}
