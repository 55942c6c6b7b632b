/** Bad input gets a clear error, the right exit code or status, and the service goes on. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startSimulatedExchange } from '../../src/simulator/simulated-exchange.ts'
import { cleanEnvironment, freePort, runCommand, Service } from '../support/service.ts'

const ROOT = new URL('../../../', import.meta.url).pathname
const WORK = mkdtempSync(join(tmpdir(), 'sluice-bad-input-'))

function file(name: string, text: string): string {
  const path = join(WORK, name)
  writeFileSync(path, text)
  return path
}

interface CliCase {
  readonly name: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly code: number
  /** All must stand on stderr. */
  readonly says: readonly RegExp[]
}

const EMBEDDED = { SLUICE_KAFKA_BROKERS: 'embedded', SLUICE_SPOOL_MODE: 'off' }

const CLI: readonly CliCase[] = [
  { name: 'unknown command', args: ['rnu'], code: 2, says: [/rnu/] },
  { name: 'unknown flag', args: ['run', '--confg', 'x.yaml'], code: 2, says: [/confg/] },
  {
    name: 'no sink at all',
    args: ['run'],
    env: { SLUICE_SPOOL_MODE: 'off' },
    code: 2,
    says: [/SLUICE_KAFKA_BROKERS/]
  },
  {
    name: 'unknown key in a file: the nearest is named',
    env: EMBEDDED,
    code: 2,
    args: ['run', '--config', file('unknown.yaml', 'kafka:\n  topicPartition: 3\n')],
    says: [/topicPartition\b/, /topicPartitions/]
  },
  {
    name: 'two unknown keys: both are named',
    env: EMBEDDED,
    code: 2,
    args: ['config', '--check', '--config', file('two.yaml', 'kafak: {}\nhttp:\n  prot: 1\n')],
    says: [/kafak/, /prot/]
  },
  {
    name: 'a file that is not YAML',
    env: EMBEDDED,
    code: 2,
    args: ['run', '--config', file('broken.yaml', 'kafka: [1, 2\n')],
    says: [/broken\.yaml/]
  },
  {
    name: 'a file that is not there',
    env: EMBEDDED,
    code: 2,
    args: ['run', '--config', join(WORK, 'absent.yaml')],
    says: [/absent\.yaml/]
  },
  {
    name: 'prototype pollution in a file',
    env: EMBEDDED,
    code: 2,
    args: ['run', '--config', file('proto.yaml', '"__proto__":\n  polluted: true\n')],
    says: [/__proto__/]
  },
  {
    name: 'bad URL',
    args: ['run'],
    env: { ...EMBEDDED, SLUICE_BINANCE_WS_URL: 'stream binance' },
    code: 2,
    says: [/SLUICE_BINANCE_WS_URL|wsUrl/]
  },
  {
    name: 'wrong type',
    args: ['run'],
    env: { ...EMBEDDED, SLUICE_HTTP_PORT: 'eighty' },
    code: 2,
    says: [/port/i, /eighty/]
  },
  {
    name: 'out of range',
    args: ['run'],
    env: { ...EMBEDDED, SLUICE_KAFKA_TOPIC_PARTITIONS: '0' },
    code: 2,
    says: [/topicPartitions|TOPIC_PARTITIONS/]
  },
  {
    name: 'a spool mode this version has not',
    args: ['run'],
    code: 2,
    env: { ...EMBEDDED, SLUICE_SPOOL_MODE: 'always' },
    says: [/spool/i, /off/]
  },
  {
    name: 'unknown channels: all are listed',
    args: ['run'],
    code: 2,
    env: { ...EMBEDDED, SLUICE_CHANNELS: 'trade,trades,kline_7m' },
    says: [/trades/, /kline_7m/]
  },
  {
    name: 'absent recording',
    args: ['replay', join(WORK, 'absent.raw')],
    code: 1,
    says: [/absent\.raw/]
  }
]

describe('command line', () => {
  for (const { name, args, env, code, says } of CLI) {
    test(name, { timeout: 60_000 }, async () => {
      const result = await runCommand(args, { cwd: WORK, timeoutMs: 30_000, ...(env && { env }) })
      const shown = `code ${result.code}\n${result.stdout}\n${result.stderr}`
      assert.equal(result.code, code, shown)
      for (const pattern of says) assert.match(result.stderr, pattern)
      assert.doesNotMatch(result.stderr, /\n\s+at /, `a stack trace is not a clear error: ${shown}`)
    })
  }

  test('occupied port', { timeout: 60_000 }, async () => {
    const port = await freePort()
    const holder = createServer().listen(port, '127.0.0.1')
    const env = { ...EMBEDDED, ...NO_EXCHANGE, SLUICE_HTTP_PORT: String(port) }
    const result = await runCommand(['run'], { env })
    holder.close()
    assert.equal(result.code, 1, result.stderr)
    assert.match(result.stderr + result.stdout, new RegExp(String(port)))
  })

  test('unknown symbols: all are listed', { timeout: 60_000 }, async (t) => {
    const exchange = await startSimulatedExchange({ symbols: 3, rate: 10 })
    t.after(() => exchange.close())
    const result = await runCommand(['run'], {
      timeoutMs: 15_000,
      env: {
        ...EMBEDDED,
        SLUICE_HTTP_PORT: String(await freePort()),
        SLUICE_BINANCE_WS_URL: exchange.wsUrl,
        SLUICE_BINANCE_REST_URL: exchange.restUrl,
        SLUICE_SYMBOLS: `${exchange.symbols[0]},NOSUCHCOIN,OTHERCOIN`
      }
    })
    const said = result.stderr + result.stdout
    assert.match(said, /NOSUCHCOIN/)
    assert.match(said, /OTHERCOIN/)
  })

  test('the secrets of the configuration are masked', async () => {
    const env = {
      ...EMBEDDED,
      SLUICE_BINANCE_SECRET_KEY: 'canary-7f3a',
      SLUICE_ADMIN_TOKEN: 'canary-9c1d'
    }
    const result = await runCommand(['config'], { env })
    assert.equal(result.code, 0, result.stderr)
    assert.doesNotMatch(result.stdout + result.stderr, /canary-/)
  })
})

const NO_EXCHANGE = {
  SLUICE_ADAPTERS_BINANCE_ENABLED: 'false',
  SLUICE_BINANCE_WS_URL: 'ws://127.0.0.1:1',
  SLUICE_BINANCE_REST_URL: 'http://127.0.0.1:1'
}

/** The program without its native parts, or with foreign ones. */
function crippledCopy(name: string, addon: string | null): string {
  const dir = join(WORK, name)
  mkdirSync(dir)
  for (const part of ['bin', 'dist', 'package.json', 'config']) {
    cpSync(join(ROOT, part), join(dir, part), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  if (addon !== null) {
    const build = join(dir, 'native', 'build', 'Release')
    mkdirSync(build, { recursive: true })
    for (const part of ['kernel.node', 'producer.node']) writeFileSync(join(build, part), addon)
  }
  return dir
}

describe('native addons', () => {
  for (const [name, addon] of [
    ['missing', null],
    ['not an addon at all', 'text']
  ] as const) {
    test(name, { timeout: 60_000 }, async () => {
      const dir = crippledCopy(name.replaceAll(' ', '-'), addon)
      const { status, stderr, stdout } = spawnSync(join(dir, 'bin/sluice'), ['run'], {
        env: {
          ...cleanEnvironment(),
          ...EMBEDDED,
          ...NO_EXCHANGE,
          SLUICE_HTTP_PORT: String(await freePort())
        },
        encoding: 'utf8',
        timeout: 30_000
      })
      assert.ok(status !== 0 && status !== null, `it started: ${stdout}${stderr}`)
      assert.match(stderr + stdout, /build/, 'the build command is named')
    })
  }
})

describe('admin API', () => {
  let service: Service
  before(async () => {
    service = await Service.start({
      env: {
        ...EMBEDDED,
        ...NO_EXCHANGE,
        SLUICE_ADMIN_TOKEN: 'right-token',
        SLUICE_INGEST_TOKEN: 'in'
      },
      waitForLiveOnly: true
    })
  })
  after(() => service?.kill())

  const call = async (
    path: string,
    init: RequestInit = {}
  ): Promise<{ status: number; body: unknown }> => {
    const reply = await fetch(`${service.baseUrl}${path}`, {
      ...init,
      signal: AbortSignal.timeout(5000)
    })
    const text = await reply.text()
    try {
      return { status: reply.status, body: JSON.parse(text) as unknown }
    } catch {
      return { status: reply.status, body: text }
    }
  }
  const write = (path: string, body: string, token = 'right-token', method = 'POST') =>
    call(path, {
      method,
      body,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    })

  const cases: readonly (readonly [
    string,
    () => Promise<{ status: number; body: unknown }>,
    number
  ])[] = [
    ['unknown path', () => call('/api/v1/nothing'), 404],
    ['unknown path at the root', () => call('/nothing'), 404],
    ['wrong token', () => write('/api/v1/subscriptions', '{}', 'wrong-token'), 401],
    ['no token', () => call('/api/v1/drain', { method: 'POST' }), 401],
    ['bad JSON', () => write('/api/v1/subscriptions', '{"adapter":'), 400],
    ['not an object', () => write('/api/v1/subscriptions', '[]'), 400],
    [
      'unknown property',
      () => write('/api/v1/log-level', '{"level":"info","x":1}', 'right-token', 'PUT'),
      400
    ],
    [
      'unknown level',
      () => write('/api/v1/log-level', '{"level":"loud"}', 'right-token', 'PUT'),
      400
    ],
    [
      'oversized body',
      () => write('/api/v1/subscriptions', `{"adapter":"${'x'.repeat(70_000)}"}`),
      413
    ],
    ['unknown adapter', () => write('/api/v1/adapters/nasdaq/stop', ''), 404],
    ['wrong method', () => write('/api/v1/status', '{}'), 405]
  ]
  for (const [name, request, status] of cases) {
    test(name, async () => {
      const reply = await request()
      assert.equal(reply.status, status, JSON.stringify(reply.body))
      const { error } = reply.body as { error?: { code?: unknown; message?: unknown } }
      assert.equal(typeof error?.code, 'string', JSON.stringify(reply.body))
      assert.equal(typeof error?.message, 'string')
    })
  }

  test('a strange Host is refused, except for probes', async () => {
    // fetch sets Host itself: raw HTTP.
    const { status } = await rawRequest(service.port, '/api/v1/status', 'evil.example')
    assert.ok(status >= 400 && status < 500, String(status))
    assert.equal((await rawRequest(service.port, '/livez', 'evil.example')).status, 200)
  })

  test('malformed recording: its line is named, the frames before it are taken', async () => {
    const frame = '1723161253937085768 {"stream":"btcusdt@trade","data":{"e":"trade"}}\n'
    const path = file('bad.raw', `${frame}${frame}nonsense\n`)
    const to = `ws://127.0.0.1:${service.port}/ingest/binance`
    const result = await runCommand(['replay', path, '--to', to, '--token', 'in'])
    assert.equal(result.code, 1, result.stdout + result.stderr)
    assert.match(result.stderr, /line 3\b|:3\b/)
    assert.doesNotMatch(result.stderr, /\n\s+at /)
  })

  test('after all that it is still alive', async () => {
    assert.equal((await call('/livez')).status, 200)
    assert.ok(service.isRunning)
  })
})

async function rawRequest(port: number, path: string, host: string): Promise<{ status: number }> {
  const { request } = await import('node:http')
  return await new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers: { host } }, (reply) => {
      reply.resume()
      resolve({ status: reply.statusCode ?? 0 })
    })
    sent.once('error', reject)
    sent.end()
  })
}
