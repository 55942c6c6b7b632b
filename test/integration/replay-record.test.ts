import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { readCapture } from '../../src/capture/capture-reader.ts'
import { startSimulatedExchange } from '../../src/simulator/simulated-exchange.ts'
import { StreamClient } from '../support/stream-client.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-replay-'))
})
after(() => rm(folder, { recursive: true, force: true }))

interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One tool in a process of its own, as bin/sluice runs it. */
class Tool {
  readonly process: ChildProcess
  stdout = ''
  stderr = ''

  constructor(name: string, argv: readonly string[]) {
    const url = new URL(`../../src/cli/${name}.js`, import.meta.url).href
    const code = `process.exitCode = await (await import('${url}')).run(process.argv.slice(1))`
    this.process = spawn(process.execPath, ['--input-type=module', '-e', code, '--', ...argv])
    this.process.stdout?.on('data', (data) => {
      this.stdout += String(data)
    })
    this.process.stderr?.on('data', (data) => {
      this.stderr += String(data)
    })
  }

  async finished(): Promise<Finished> {
    const [code] = (await once(this.process, 'close')) as [number | null]
    return { code, stdout: this.stdout, stderr: this.stderr }
  }

  /** The URLs that `exchange` prints. */
  async urls(): Promise<{ ws: string; rest: string }> {
    for (;;) {
      const match = /WebSocket {2}(\S+)\nREST {7}(\S+)\n/.exec(this.stdout)
      if (match !== null) return { ws: match[1] as string, rest: match[2] as string }
      await once(this.process.stdout as NonNullable<ChildProcess['stdout']>, 'data')
    }
  }
}

const run = (name: string, ...argv: string[]): Promise<Finished> => new Tool(name, argv).finished()

/** A listener that gives `credit` frames at a time and counts whoever takes more. */
async function listener(t: TestContext, options: { credit: number; closeAfter?: number }) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  t.after(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  const received: { stream: string | null; token: string | undefined; text: string }[] = []
  let overruns = 0
  server.on('connection', (socket: WebSocket, request) => {
    let left = options.credit
    socket.send(`{"credit":${left}}`)
    socket.on('message', (data) => {
      left -= 1
      if (left < 0) overruns += 1
      const stream = new URL(request.url ?? '/', 'http://x').searchParams.get('stream')
      received.push({ stream, token: request.headers.authorization, text: data.toString() })
      if (received.length === options.closeAfter) socket.close(1013, 'more frames than credit')
      if (left > 0) return
      left += options.credit
      // Late, so that a client that does not wait would be seen.
      setTimeout(() => socket.send(`{"credit":${options.credit}}`), 2)
    })
  })
  const { port } = server.address() as AddressInfo
  const url = `ws://127.0.0.1:${port}/ingest/binance`
  return { url, received, overruns: () => overruns }
}

async function capture(name: string, frames: readonly string[]): Promise<string> {
  const path = join(folder, name)
  const lines = frames.map(
    (frame, index) => `${1723161253000000000n + BigInt(index) * 1_000_000n} ${frame}`
  )
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

const combined = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `{"stream":"btcusdt@trade","data":{"t": ${index}}}`)

test('replay sends every frame once, in order, within its credit, leaving REST replies out', async (t) => {
  const target = await listener(t, { credit: 7 })
  const frames = combined(200)
  const path = await capture('combined.raw', [...frames, '{"lastUpdateId":1,"bids":[],"asks":[]}'])
  const { code, stdout, stderr } = await run(
    'replay',
    path,
    '--to',
    target.url,
    '--token',
    'secret'
  )
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^replayed 200 frames, \d+ bytes, in .* 1 REST replies left out\n$/)
  assert.deepEqual(
    target.received.map((each) => each.text),
    frames
  )
  assert.ok(target.received.every((each) => each.token === 'Bearer secret' && each.stream === null))
  assert.equal(target.overruns(), 0)
})

test('raw frames go to a connection of their stream', async (t) => {
  const target = await listener(t, { credit: 3 })
  const names = ['btcusdt@depth5', '这是测试币456@trade']
  const frames = Array.from(
    { length: 40 },
    (_, index) => `${names[index % 2]} {"lastUpdateId":${index}}`
  )
  const { code } = await run('replay', await capture('raw.raw', frames), '--to', target.url)
  assert.equal(code, 0)
  for (const name of names) {
    assert.deepEqual(
      target.received.filter((each) => each.stream === name).map((each) => `${name} ${each.text}`),
      frames.filter((frame) => frame.startsWith(name))
    )
  }
  assert.equal(target.received.length, 40)
  assert.equal(target.overruns(), 0)
})

test('replay at a set speed takes its time', async (t) => {
  const target = await listener(t, { credit: 1000 })
  const { stdout } = await run(
    'replay',
    await capture('timed.raw', combined(400)),
    '--to',
    target.url,
    '--speed',
    '2'
  )
  const seconds = Number(/in (\d+\.\d+) s/.exec(stdout)?.[1])
  assert.ok(seconds >= 0.19, stdout)
  assert.equal(target.received.length, 400)
})

test('a SIGTERM ends a replay in the middle, well', async (t) => {
  const target = await listener(t, { credit: 1000 })
  const slow = await capture('slow.raw', combined(100_000))
  const tool = new Tool('replay', [slow, '--to', target.url, '--speed', '1'])
  while (target.received.length < 50) await new Promise((resolve) => setTimeout(resolve, 5))
  tool.process.kill('SIGTERM')
  const { code, stdout, stderr } = await tool.finished()
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^replayed \d+ frames/)
})

test('replay fails with one clear line: closed, unreachable, malformed, misused', async (t) => {
  const target = await listener(t, { credit: 10, closeAfter: 25 })
  const path = await capture('cut.raw', combined(100))
  const cut = await run('replay', path, '--to', target.url)
  assert.equal(cut.code, 1)
  assert.match(
    cut.stderr,
    /^sluice replay: .*closed the connection: 1013 more frames than credit; \d+ frames were sent\n$/
  )
  const sent = Number(/(\d+) frames were sent/.exec(cut.stderr)?.[1])
  assert.ok(sent >= 25 && sent <= 100, cut.stderr)
  const away = await run('replay', path, '--to', 'ws://127.0.0.1:1/ingest/binance')
  assert.equal(away.code, 1)
  assert.match(away.stderr, /^sluice replay: opening .*ECONNREFUSED.*\n$/)
  const open = await listener(t, { credit: 10 })
  const bad = await run('replay', await capture('bad.raw', ['{"a":1}', '{"a":']), '--to', open.url)
  assert.equal(bad.code, 1)
  assert.match(bad.stderr, /line 2: not a JSON document\n$/)
  for (const argv of [
    [],
    [path, '--speed', 'fast'],
    [path, '--to', 'http://x'],
    [path, '--nope']
  ]) {
    const misused = await run('replay', ...argv)
    assert.equal(misused.code, 2, argv.join(' '))
    assert.match(misused.stderr, /^sluice replay: [^\n]+\n$/)
  }
})

test('record keeps the frames byte for byte, and replay takes them back', async (t) => {
  const exchange = await startSimulatedExchange({ journal: 'frames', rate: 500 })
  t.after(() => exchange.close())
  const out = join(folder, 'recorded.raw.gz')
  const streams = 'btcusdt@trade,btcusdt@depth@100ms,这是测试币456@bookTicker'
  const { code, stdout } = await run(
    'record',
    '--url',
    exchange.wsUrl,
    '--streams',
    streams,
    '--out',
    out,
    '--seconds',
    '1.5'
  )
  assert.equal(code, 0)
  const recorded: string[] = []
  let before = 0n
  for await (const each of readCapture(out)) {
    recorded.push(Buffer.from(each.data).toString())
    assert.ok(each.receivedNs !== null && each.receivedNs >= before)
    before = each.receivedNs
  }
  const sent = exchange.journal.entries.map((each) => Buffer.from(each.bytes ?? []).toString())
  assert.ok(recorded.length > 50, `${recorded.length} frames`)
  assert.deepEqual(recorded, sent.slice(0, recorded.length))
  assert.ok(stdout.startsWith(`recorded ${recorded.length} frames`))
  const raw = join(folder, 'recorded-one.raw')
  await run(
    'record',
    '--url',
    exchange.wsUrl,
    '--raw',
    '--streams',
    'btcusdt@depth5@100ms',
    '--out',
    raw,
    '--seconds',
    '0.8'
  )
  const target = await listener(t, { credit: 100 })
  assert.equal((await run('replay', raw, '--to', target.url)).code, 0)
  assert.ok(target.received.length > 2)
  assert.ok(target.received.every((each) => each.stream === 'btcusdt@depth5@100ms'))
})

/** An exchange that sends these messages to whoever connects. */
async function sender(t: TestContext, messages: readonly (string | Buffer)[]) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  t.after(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  // The answer to a ping that was sent last: everything before it has been taken.
  const taken = new Promise<void>((resolve) => {
    server.on('connection', (socket: WebSocket) => {
      for (const message of messages) socket.send(message)
      socket.on('pong', () => resolve())
      socket.ping()
    })
  })
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, taken }
}

test('record keeps every frame of a burst that the file takes slowly, without a warning', async (t) => {
  const frame = `{"stream":"a@trade","data":{"p":"${'1'.repeat(1500)}"}}`
  const { url, taken } = await sender(t, new Array<string>(20_000).fill(frame))
  const out = join(folder, 'burst.raw.gz')
  const tool = new Tool('record', ['--url', url, '--streams', 'a@trade', '--out', out])
  void taken.then(() => tool.process.kill('SIGTERM'))
  const { code, stdout, stderr } = await tool.finished()
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^recorded 20000 frames/)
})

test('record counts binary frames as left out, and fails when it recorded nothing', async (t) => {
  const some = await sender(t, ['{"a":1}', Buffer.from('{"a":2}'), Buffer.from([0, 1])])
  const out = join(folder, 'binary.raw')
  const recordFrom = (source: { url: string; taken: Promise<void> }): Promise<Finished> => {
    const tool = new Tool('record', ['--url', source.url, '--streams', 'a@trade', '--out', out])
    void source.taken.then(() => tool.process.kill('SIGTERM'))
    return tool.finished()
  }
  const good = await recordFrom(some)
  assert.equal(good.code, 0, good.stderr)
  assert.equal(good.stdout, `recorded 1 frames to ${out}, 2 left out\n`)
  const silent = await recordFrom(await sender(t, [Buffer.from([1])]))
  assert.equal(silent.code, 1)
  assert.equal(silent.stdout, '')
  assert.match(silent.stderr, /^sluice record: no frame was recorded, 1 left out\n$/)
})

test('record fails with one clear line', async () => {
  const out = join(folder, 'never')
  const away = await run(
    'record',
    '--url',
    'ws://127.0.0.1:1',
    '--streams',
    'a@trade',
    '--out',
    out
  )
  assert.equal(away.code, 1)
  assert.match(away.stderr, /^sluice record: opening .*ECONNREFUSED.*\n$/)
  for (const argv of [
    ['--out', out],
    ['--streams', 'a@b'],
    ['--raw', '--streams', 'a@b,c@d', '--out', out]
  ]) {
    assert.equal((await run('record', ...argv)).code, 2)
  }
})

test('exchange: prints its URLs, serves, and a SIGTERM ends it well', async () => {
  const tool = new Tool('exchange', ['--port', '0', '--symbols', 'ETHUSDT,BTCUSDT', '--seed', '9'])
  const { ws, rest } = await tool.urls()
  const info = (await (await fetch(`${rest}/api/v3/exchangeInfo`)).json()) as {
    symbols: { symbol: string }[]
  }
  assert.deepEqual(
    info.symbols.map((each) => each.symbol),
    ['ETHUSDT', 'BTCUSDT']
  )
  const client = await StreamClient.open(`${ws}/ws/btcusdt@trade`)
  await client.until(() => client.received.length > 0)
  tool.process.kill('SIGTERM')
  const { code, stderr } = await tool.finished()
  assert.deepEqual([code, stderr], [0, ''])
  await client.closed()
})

test('exchange: serves a recording and floods, then exits', async () => {
  const frames = combined(300)
  const served = new Tool('exchange', [
    '--port',
    '0',
    '--recording',
    await capture('served.raw', frames),
    '--speed',
    'max',
    '--close',
    '--exit'
  ])
  const client = await StreamClient.open(`${(await served.urls()).ws}/stream?streams=btcusdt@trade`)
  assert.equal((await served.finished()).code, 0)
  await client.closed()
  assert.deepEqual(client.texts, frames)
  const flooding = new Tool('exchange', [
    '--port',
    '0',
    '--symbols',
    '2',
    '--flood',
    '50000',
    '--close',
    '--exit'
  ])
  const taker = await StreamClient.open(
    `${(await flooding.urls()).ws}/ws/btcusdt@aggTrade/ethusdt@aggTrade`
  )
  const { code, stdout } = await flooding.finished()
  await taker.closed()
  assert.equal(code, 0)
  assert.match(stdout, /sent 50000 frames/)
  assert.equal(taker.received.length, 50_000)
})

test('exchange: a bad flag, plan or file is one line and the right code', async () => {
  const plan = join(folder, 'plan.json')
  await writeFile(plan, '[{"fault":{"kind":"explode"}}]')
  const cases: readonly (readonly [string[], number, RegExp])[] = [
    [['--prot', '1'], 2, /Unknown option/],
    [['--port', '99999'], 2, /--port must be/],
    [['--faults', plan], 2, /unknown kind "explode"/],
    [['--faults', join(folder, 'missing')], 2, /ENOENT/],
    [['--symbols', 'btc usdt'], 2, /not a symbol/],
    [['--recording', join(folder, 'missing')], 1, /ENOENT/],
    [['--host', '203.0.113.1', '--port', '0'], 1, /not ours/]
  ]
  for (const [argv, expected, message] of cases) {
    const { code, stderr } = await run('exchange', ...argv)
    assert.equal(code, expected, `${argv.join(' ')}: ${stderr}`)
    assert.match(stderr, /^sluice exchange: [^\n]+\n$/)
    assert.match(stderr, message)
  }
  const help = await run('exchange', '--help')
  assert.equal(help.code, 0)
  assert.match(help.stdout, /^usage: sluice exchange/)
})
