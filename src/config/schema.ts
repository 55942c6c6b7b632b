/** Every configuration key with its default, range and meaning. docs/configuration.md is made from it. */
import { adapterSchema, BUILT_IN_ADAPTER } from './adapter-schema.ts'
import { choice, flag, integer, list, type SchemaOf, type SchemaTree, text } from './leaf.ts'
import type { SinkRouting, SluiceConfig } from './types.ts'

/** What defaults depend on. */
export interface Machine {
  /** Usable cores: the smaller of affinity and cgroup quota. */
  readonly cores: number
  /** Whether logs go to a terminal. */
  readonly terminal: boolean
}

export const MIB = 1024 * 1024
const HOUR_MS = 3_600_000

export function defaultParsers(cores: number): number {
  return Math.max(1, Math.min(2, cores - 1))
}

const ANYTHING: SchemaOf<SinkRouting> = {
  types: list([], 'Record types for this sink. This version takes empty (all) only.', {
    mayBeEmpty: true
  }),
  symbols: list([], 'Symbols for this sink. This version takes empty (all) only.', {
    mayBeEmpty: true
  }),
  sources: list([], 'Sources for this sink. This version takes empty (all) only.', {
    mayBeEmpty: true,
    choices: ['live', 'heal', 'backfill', 'aggregate']
  })
}

const secret = { secret: true, mayBeEmpty: true } as const

/** All sections but `adapters`, which is a map. */
type StaticConfig = Omit<SluiceConfig, 'adapters'>

export function staticSchema(machine: Machine): SchemaOf<StaticConfig> {
  return {
    symbols: list(['BTCUSDT', 'ETHUSDT'], 'Shorthand with `channels`; replaces `subscriptions`.', {
      aliases: ['SYMBOLS']
    }),
    channels: list(
      ['trade', 'kline_1m', 'ticker'],
      'Shorthand with `symbols`: trade, aggTrade, kline_1m …, ticker, ticker_1h …, miniTicker, ' +
        'bookTicker, depth@100ms, depth20@100ms, avgPrice.'
    ),
    subscriptions: {
      kind: 'subscriptions',
      default: [],
      doc: 'List of {adapter, channels, symbols}; as a variable, the same as JSON.',
      defaultText: '`symbols` × `channels` on `binance`'
    },
    workers: workersSchema(machine),
    kafka: kafkaSchema(),
    spool: {
      dir: text('./data/spool', 'Directory of the spool.'),
      mode: choice('off', ['always', 'overflow', 'off'], 'This version implements `off` only.')
    },
    marketstore: {
      url: {
        kind: 'url',
        default: '',
        schemes: ['http', 'https'],
        doc: 'MarketStore endpoint; empty = off.',
        mayBeEmpty: true,
        aliases: ['MARKETSTORE_URL']
      }
    },
    files: { dir: text('', 'Directory of the file sink; empty = off.', { mayBeEmpty: true }) },
    sinks: { kafka: ANYTHING, marketstore: ANYTHING, files: ANYTHING },
    http: httpSchema(),
    admin: { token: text('', 'Token for changing calls; empty = loopback only.', secret) },
    ingest: {
      token: text('', 'Token for the ingest listener; empty = loopback only.', secret),
      creditFrames: integer(1024, 'Most frames a client may have under way.', {
        min: 1,
        max: 65_536
      }),
      frameBytesMax: integer(MIB, 'Largest ingest message; a larger one closes with 1009.', {
        min: 1024,
        max: 16 * MIB
      }),
      backlogBytesMax: integer(
        256 * MIB,
        'Most memory for frames under way to a full ring, all clients. Credit never exceeds it divided ' +
          'by frameBytesMax, so a smaller frameBytesMax gives fast clients a wider window.',
        { min: MIB, max: 1024 * MIB }
      ),
      connectionsMax: integer(64, 'Ingest clients at once.', { min: 1, max: 1024 })
    },
    drainSeconds: integer(20, 'Longest graceful shutdown, s.', { min: 0, max: 3600 }),
    log: {
      level: choice('info', ['trace', 'debug', 'info', 'warn', 'error'], 'Changeable at run time.'),
      pretty: flag(machine.terminal, 'Human-readable lines instead of JSON.', {
        defaultText: 'only on a terminal'
      })
    },
    metrics: {
      perSymbol: flag(false, 'Per-symbol series, for configured symbols only.')
    }
  }
}

function workersSchema(machine: Machine): SchemaOf<SluiceConfig['workers']> {
  return {
    parsers: integer(defaultParsers(machine.cores), 'Parser workers, each with its two rings.', {
      min: 1,
      max: 64,
      aliases: ['SLUICE_PARSER_WORKERS'],
      defaultText: 'the smaller of 2 and cores − 1, at least 1'
    }),
    ringBytes: integer(16 * MIB, 'Bytes of each ring, a power of two.', {
      min: 64 * 1024,
      max: 1024 * MIB,
      powerOfTwo: true,
      aliases: ['SLUICE_RING_BYTES'],
      defaultText: '16777216; all rings together at most 134217728 unless set'
    }),
    parser: choice('native', ['native', 'twin'], '`twin` is the TypeScript reference parser.'),
    frameBytesMax: integer(2 * MIB, 'Largest frame; a larger one is dead-lettered as oversized.', {
      min: 1024,
      max: 64 * MIB
    })
  }
}

function kafkaSchema(): SchemaOf<SluiceConfig['kafka']> {
  return {
    brokers: {
      kind: 'brokers',
      default: '',
      mayBeEmpty: true,
      doc: '`host:port,…`; `embedded` = broker on loopback, in this process’s memory; `off`.',
      defaultText: 'none: `run` without any sink exits 2'
    },
    topic: text('market.{type}.{exchange}.{symbol}', 'Topic template.', {
      pattern: /^(?:[A-Za-z0-9._-]|\{(?:type|exchange|symbol|interval)\})+$/,
      patternText: 'letters, digits, . _ - and {type} {exchange} {symbol} {interval}'
    }),
    topicPartitions: integer(1, 'Partitions of topics we create.', {
      min: 1,
      max: 10_000,
      defaultText: '1; 12 for a template without {symbol}'
    }),
    topicReplication: integer(-1, 'Replicas of topics we create; −1 = the broker’s default.', {
      min: -1,
      max: 1000
    }),
    retentionMs: integer(-1, 'retention.ms of topics we create; −1 = for ever.', {
      min: -1,
      max: 100 * 365 * 24 * HOUR_MS
    }),
    headers: choice(
      'exceptional',
      ['exceptional', 'all', 'none'],
      'Which records carry source, schema and type as headers.'
    ),
    compression: choice('lz4', ['none', 'gzip', 'snappy', 'lz4', 'zstd'], 'Batch compression.'),
    lingerMs: integer(5, 'Longest wait for a fuller batch, ms.', { min: 0, max: 10_000 }),
    batchBytes: integer(1_000_000, 'Most bytes in a batch.', { min: 1024, max: 1_000_000_000 }),
    batchMessages: integer(10_000, 'Most records in a batch.', { min: 1, max: 1_000_000 }),
    queueKbytes: integer(65_536, 'Producer queue, KiB; full means back pressure, not loss.', {
      min: 1024,
      max: 2_097_151
    }),
    queueMessages: integer(500_000, 'Producer queue, records.', { min: 1000, max: 10_000_000 }),
    messageBytesMax: integer(1_000_000, 'Largest record the broker takes.', {
      min: 1000,
      max: 1_000_000_000
    }),
    partitionStrategy: choice('key', ['key', 'explicit'], '`key` = murmur2 of the symbol.'),
    partition: integer(0, 'The partition, with partitionStrategy `explicit`.', {
      min: 0,
      max: 9999
    }),
    clientId: text('sluice', 'Client id towards the brokers.', {
      pattern: /^[\w.-]{1,200}$/,
      patternText: 'letters, digits, . _ -'
    }),
    librdkafka: {
      kind: 'map',
      default: {},
      mayBeEmpty: true,
      doc: 'Any librdkafka property (SASL, TLS …), passed through; values that are secrets also as _FILE.'
    }
  }
}

function httpSchema(): SchemaOf<SluiceConfig['http']> {
  return {
    host: text('127.0.0.1', 'Address to listen on.', {
      pattern: /^[A-Za-z0-9.:_%-]{1,255}$/,
      patternText: 'an address or a host name'
    }),
    port: integer(8080, 'Port to listen on; 0 = any free one.', { min: 0, max: 65_535 }),
    hosts: list([], 'Further names clients may use in the Host header.', { mayBeEmpty: true }),
    origins: list([], 'Further origins whose pages may call the API.', { mayBeEmpty: true }),
    bodyBytesMax: integer(65_536, 'Largest request body; a larger one gets 413.', {
      min: 1024,
      max: 16 * MIB
    }),
    connectionsMax: integer(1024, 'Connections at once.', { min: 8, max: 65_536 })
  }
}

/** The whole tree for the given adapters. */
export function buildSchema(machine: Machine, adapters: Iterable<string>): SchemaTree {
  const names = new Set([BUILT_IN_ADAPTER, ...adapters])
  const map = Object.fromEntries([...names].map((name) => [name, adapterSchema(name)]))
  const { symbols, channels, subscriptions, ...rest } = staticSchema(machine)
  return { symbols, channels, subscriptions, adapters: map, ...rest } as unknown as SchemaTree
}
