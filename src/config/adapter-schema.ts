/** The leaves of one entry of the `adapters` map. Limits are the exchange's, with room left. */
import { choice, flag, integer, type Leaf, type SchemaOf, text } from './leaf.ts'
import type { AdapterConfig } from './types.ts'

/** Adapter names stand in URLs, variables and metric labels. */
export const ADAPTER_NAME = /^[a-z][a-z0-9-]{0,31}$/

/** The entry that always exists. */
export const BUILT_IN_ADAPTER = 'binance'

interface AdapterDefaults {
  readonly module: string
  readonly wsUrl: string
  readonly restUrl: string
}

const BINANCE: AdapterDefaults = {
  module: 'binance',
  wsUrl: 'wss://stream.binance.com:9443',
  restUrl: 'https://api.binance.com'
}

const NOTHING: AdapterDefaults = { module: '', wsUrl: '', restUrl: '' }

function url(value: string, schemes: readonly string[], doc: string, aliases: readonly string[]) {
  return {
    kind: 'url',
    default: value,
    schemes,
    doc,
    aliases,
    mayBeEmpty: true
  } satisfies Leaf<string>
}

export function adapterSchema(name: string): SchemaOf<AdapterConfig> {
  const builtIn = name === BUILT_IN_ADAPTER
  const defaults = builtIn ? BINANCE : NOTHING
  const aliases = (suffix: string): readonly string[] =>
    builtIn ? [`SLUICE_BINANCE_${suffix}`] : []
  return {
    module: text(defaults.module, 'Adapter module: `binance`, or a path or package name.'),
    enabled: flag(true, 'Whether the adapter starts with the service.'),
    wsUrl: url(defaults.wsUrl, ['ws', 'wss'], 'WebSocket base URL.', aliases('WS_URL')),
    restUrl: url(defaults.restUrl, ['http', 'https'], 'REST base URL.', aliases('REST_URL')),
    apiKey: text('', 'No effect: public market data needs no key.', {
      secret: true,
      mayBeEmpty: true,
      aliases: aliases('API_KEY')
    }),
    secretKey: text('', 'No effect: public market data needs no key.', {
      secret: true,
      mayBeEmpty: true,
      aliases: aliases('SECRET_KEY')
    }),
    live: choice('stream', ['stream', 'poll'], '`poll` fetches closed klines over REST instead.'),
    deflate: flag(false, 'Offer permessage-deflate; costs about twelve times the CPU per message.'),
    streamsPerConnection: integer(200, 'Streams on one WebSocket connection.', {
      min: 1,
      max: 1024
    }),
    connectsPer5Minutes: integer(150, 'Connection attempts in five minutes.', { min: 1, max: 300 }),
    controlMessagesPerSecond: integer(
      3,
      'Control messages a second on one connection; pongs need room below the limit of 5.',
      { min: 1, max: 5 }
    ),
    subscribeBytesMax: integer(
      4000,
      'Largest SUBSCRIBE frame; longer ones are ignored by the exchange.',
      {
        min: 128,
        max: 4088
      }
    ),
    timeouts: {
      connectMs: integer(5000, 'TCP and TLS connect, ms.', { min: 10, max: 120_000 }),
      handshakeMs: integer(5000, 'WebSocket handshake, ms.', { min: 10, max: 120_000 }),
      idleMs: integer(45_000, 'A connection without frames and pings is dead after this, ms.', {
        min: 100,
        max: 600_000
      }),
      requestMs: integer(10_000, 'One REST request, ms.', { min: 10, max: 120_000 }),
      acknowledgeMs: integer(5000, 'Answer to one control message, ms.', { min: 10, max: 120_000 })
    },
    reconnect: {
      baseMs: integer(250, 'Backoff base of the second attempt, ms; the first is at once.', {
        min: 1,
        max: 60_000
      }),
      maxMs: integer(4000, 'Longest wait between attempts, ms.', { min: 1, max: 600_000 })
    }
  }
}
