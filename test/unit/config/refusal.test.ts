import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { ConfigError } from '../../../src/config/config-error.ts'
import { type ConfigInputs, loadConfig } from '../../../src/config/load.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-refusal-'))
after(() => rmSync(folder, { recursive: true }))

const CANARY = 'canary-7f3a'
const prototypeKeys = Object.getOwnPropertyNames(Object.prototype).join()
afterEach(() => assert.equal(Object.getOwnPropertyNames(Object.prototype).join(), prototypeKeys))

function problems(inputs: ConfigInputs): readonly string[] {
  try {
    loadConfig({ environment: {}, machine: { cores: 4, terminal: false }, ...inputs })
  } catch (error) {
    assert.ok(error instanceof ConfigError, String((error as Error).stack))
    assert.ok(error.code === 'SLUICE_CONFIG_INVALID' || error.code === 'SLUICE_CONFIG_UNKNOWN_KEY')
    for (const problem of error.problems) assert.doesNotMatch(problem, /[\r\n]/)
    return error.problems
  }
  return []
}

function yaml(text: string): string {
  const name = join(folder, 'case.yaml')
  writeFileSync(name, text)
  return name
}

/** YAML text → what the first problem must say. */
const FILES: readonly (readonly [string, RegExp])[] = [
  ['kafka:\n  broker: x\n', /case\.yaml:2: unknown key kafka\.broker;.*kafka\.brokers/],
  ['port: 1\n', /:1: unknown key port;.*http\.port/],
  ['htpt: {port: 1}\n', /unknown key htpt;.*http/],
  [
    'http:\n  host: a\n  port: 99999\n',
    /:3: http\.port must be an integer from 0 to 65535, is 99999/
  ],
  ['http: {port: "80x"}\n', /http\.port must be an integer/],
  ['http: {port: 1.5}\n', /http\.port must be an integer/],
  ['http: {port: 1e999}\n', /http\.port must be an integer/],
  ['http: {port: .nan}\n', /http\.port must be an integer/],
  ['http: 80\n', /http must be a map/],
  ['kafka: {topicPartitions: 0}\n', /topicPartitions must be an integer from 1/],
  ['kafka: {topicReplication: -2}\n', /topicReplication must be an integer from -1/],
  ['workers: {ringBytes: 1000000}\n', /ringBytes must be a power of two/],
  ['workers: {ringBytes: -1}\n', /ringBytes must be an integer/],
  ['workers: {parsers: 0}\n', /parsers must be an integer from 1/],
  ['workers: {parser: wasm}\n', /parser must be one of native, twin, is "wasm"/],
  ['spool: {mode: always}\n', /spool\.mode always is not available in this version/],
  ['spool: {mode: overflow}\n', /spool\.mode overflow is not available/],
  ['spool: {mode: sometimes}\n', /spool\.mode must be one of/],
  ['log: {level: loud}\n', /log\.level must be one of/],
  ['log: {pretty: 1}\n', /log\.pretty must be true or false/],
  ['symbols: []\n', /symbols must be a list that is not empty/],
  ['symbols: [1]\n', /symbols must be a list of texts, holds 1/],
  ['symbols: ["A\\nB"]\n', /symbols must not hold control characters/],
  ['symbols: {a: b}\n', /symbols must be a list/],
  ['adapters: {binance: {wsUrl: "http://x"}}\n', /wsUrl must be a URL with ws:\/\/ or wss:\/\//],
  ['adapters: {binance: {wsUrl: "nonsense"}}\n', /wsUrl must be a URL/],
  ['adapters: {binance: {restUrl: "ftp://x"}}\n', /restUrl must be a URL/],
  [
    'adapters: {binance: {timeouts: {conectMs: 5}}}\n',
    /unknown key adapters\.binance\.timeouts\.conectMs;.*connectMs/
  ],
  ['adapters: {binance: {live: both}}\n', /live must be one of stream, poll/],
  ['adapters: {Bad_Name: {module: x}}\n', /adapter name "Bad_Name" must be lower-case/],
  ['adapters: {other: {wsUrl: "wss://x.example"}}\n', /adapters\.other\.module must be set/],
  ['kafka: {brokers: "a:0"}\n', /brokers must be/],
  ['kafka: {brokers: "a b"}\n', /brokers must be/],
  ['kafka: {brokers: "http://a:1"}\n', /brokers must be/],
  ['kafka: {topic: "a/{symbol}"}\n', /kafka\.topic must be letters/],
  ['kafka: {topic: "a.{symbl}"}\n', /kafka\.topic must be letters/],
  ['kafka: {librdkafka: {a.b: [1]}}\n', /librdkafka must hold texts only/],
  ['kafka: {librdkafka: 5}\n', /librdkafka must be a map/],
  [
    'kafka: {partitionStrategy: explicit, partition: 1}\n',
    /partition must be below topicPartitions/
  ],
  ['sinks: {kafka: {sources: [heall]}}\n', /sources must hold only live/],
  [
    'sinks:\n  kafka: {types: [trade]}\n',
    /:2: sinks\.kafka\.types is not available in this version; leave it empty/
  ],
  ['sinks: {kafka: {sources: [live]}}\n', /sinks\.kafka\.sources is not available/],
  ['sinks: {marketstore: {symbols: [A]}}\n', /sinks\.marketstore\.symbols is not available/],
  ['sinks: {files: {types: [trade]}}\n', /sinks\.files\.types is not available/],
  [
    'subscriptions: [{adapter: binanc, channels: [trade], symbols: [A]}]\n',
    /unknown adapter "binanc"; the nearest known one is binance/
  ],
  [
    'subscriptions: [{chanels: [trade], symbols: [A]}]\n',
    /unknown key "chanels"; the nearest known one is channels/
  ],
  ['subscriptions: [{channels: [trade]}]\n', /symbols is empty/],
  ['subscriptions: 5\n', /subscriptions must be a list/],
  ['a: [\n', /case\.yaml:\d+: /],
  ['a: 1\na: 2\n', /:2: /],
  ['- 1\n', /must be a map of configuration keys/],
  ['symbols: &a [X]\nchannels: *a\n', /aliases and tags are not supported/],
  ['a: &a [*a]\n', /./],
  ['__proto__: {x: 1}\n', /unknown key __proto__/],
  ['http: {__proto__: {x: 1}}\n', /unknown key http\.__proto__/],
  ['constructor: {prototype: {x: 1}}\n', /unknown key constructor/],
  ['kafka: {librdkafka: {__proto__: {x: 1}}}\n', /librdkafka must not hold a key|texts only/],
  ['adapters: {__proto__: {module: x}}\n', /adapter name "__proto__"/],
  [
    'subscriptions: [{__proto__: {x: 1}, channels: [trade], symbols: [A]}]\n',
    /unknown key "__proto__"/
  ]
]

describe('a YAML file with', () => {
  for (const [text, expected] of FILES) {
    it(`${JSON.stringify(text)} is refused`, () => {
      const found = problems({ files: [yaml(text)] })
      assert.match(found[0] ?? '(accepted)', expected)
    })
  }

  it('several mistakes has all of them listed', () => {
    const found = problems({
      files: [yaml('http: {port: x}\nkafka: {brokrs: a}\nlog: {level: loud}\n')],
      environment: { SLUICE_WORKERS_PARSERS: 'many', SLUICE_HTP_PORT: '1' },
      sets: ['drainSeconds=-1', 'nothing']
    })
    assert.equal(found.length, 7, found.join('\n'))
  })
})

it('what this version lacks is said beside a value that is wrong', () => {
  const found = problems({ sets: ['http.port=x', 'spool.mode=always', 'sinks.kafka.types=trade'] })
  assert.equal(found.length, 3, found.join('\n'))
  assert.match(found.join('\n'), /spool\.mode always is not available/)
  assert.match(found.join('\n'), /sinks\.kafka\.types is not available/)
})

it('a file that is missing, a folder or too large is refused by name', () => {
  assert.match(
    problems({ files: [join(folder, 'none.yaml')] })[0] ?? '',
    /none\.yaml: cannot read.*ENOENT/
  )
  assert.match(problems({ files: [folder] })[0] ?? '', /not a regular file/)
  assert.match(problems({ files: ['/dev/zero'] })[0] ?? '', /not a regular file/)
  assert.match(problems({ files: [yaml(`# ${'x'.repeat(1 << 20)}\n`)] })[0] ?? '', /larger than/)
})

/** Flags and variables → what the first problem must say. */
const TEXTS: readonly (readonly [ConfigInputs, RegExp])[] = [
  [{ sets: ['http.prt=1'] }, /--set: unknown key http\.prt;.*http\.port/],
  [{ sets: ['__proto__.x=1'] }, /unknown key/],
  [{ sets: ['kafka.librdkafka.__proto__=1'] }, /unknown key/],
  [{ sets: ['http.port='] }, /http\.port must be an integer/],
  [{ sets: ['subscriptions=[{]'] }, /subscriptions must be a list/],
  [{ sets: ['symbols='] }, /symbols must be/],
  [{ environment: { SLUICE_HTTP_PORT: '0x50' } }, /^SLUICE_HTTP_PORT: http\.port must be/],
  [{ environment: { SLUICE_HTTP_PORT: '1e3' } }, /http\.port must be/],
  [{ environment: { SLUICE_DRAIN_SECONDS: '99999999999999999999' } }, /drainSeconds must be/],
  [{ environment: { SLUICE_LOG_PRETTY: 'maybe' } }, /log\.pretty must be true or false/],
  [
    { environment: { SLUICE_SPOOL_MODE: 'always' } },
    /SLUICE_SPOOL_MODE: spool\.mode always is not/
  ],
  [{ environment: { SLUICE_KAFKA_LIBRDKAFKA: '{"__proto__":"x"}' } }, /must not hold a key/],
  [{ environment: { SLUICE_SUBSCRIPTIONS: '{"__proto__":1}' } }, /must be a list/],
  [{ environment: { SLUICE___PROTO__: '1' } }, /unknown variable SLUICE___PROTO__/]
]

describe('a flag or variable', () => {
  for (const [inputs, expected] of TEXTS) {
    it(`${JSON.stringify(inputs)} is refused`, () => {
      assert.match(problems(inputs)[0] ?? '(accepted)', expected)
    })
  }
})

it('no message repeats a secret', () => {
  const control = `${CANARY}\u0001`
  const found = [
    ...problems({ environment: { SLUICE_ADMIN_TOKEN: control, SLUICE_ADMIN_TOKEN_FILE: '/none' } }),
    ...problems({ sets: [`admin.token=${control}`, CANARY, `admin.tokn=${CANARY}`] }),
    ...problems({ files: [yaml(`admin: {token: [${CANARY}]}\n`)] }),
    ...problems({ files: [yaml(`kafka: {librdkafka: {sasl.password: [${CANARY}]}}\n`)] }),
    ...problems({ environment: { SLUICE_BINANCE_WS_URL: `wss://user:${CANARY}@host` } }),
    ...problems({ environment: { SLUICE_BINANCE_API_KYE: CANARY } })
  ]
  assert.ok(found.length >= 8, found.join('\n'))
  assert.ok(!found.join('\n').includes(CANARY), found.join('\n'))
})
