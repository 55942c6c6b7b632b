/** What only raw sockets can do: broken frames, half frames, slices, resets inside a frame. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createRig, type Rig, type RigOptions } from '../support/runner-rig.ts'
import type { TinyConnection } from '../support/tiny-exchange.ts'
import { waitFor } from '../support/wait.ts'

let rig: Rig
afterEach(() => rig.end())

async function startRig(options: RigOptions = {}): Promise<TinyConnection> {
  rig = await createRig(options)
  await rig.runner.subscribe([{ adapter: 'binance', channels: ['trade'], symbols: ['BTCUSDT'] }])
  await rig.runner.start()
  return live()
}

function live(): Promise<TinyConnection> {
  return waitFor(
    () => {
      const { connections } = rig.runner.status()
      const isLive = connections.length > 0 && connections.every(({ state }) => state === 'live')
      return isLive ? (rig.exchange.live()[0] ?? null) : null
    },
    { timeoutMs: 8000, what: 'live' }
  )
}

const text = (payload: string): Buffer => {
  const body = Buffer.from(payload)
  const head = Buffer.from([0x81, 126, body.length >> 8, body.length & 255])
  return Buffer.concat([head, body])
}
const message = (id: number): string =>
  `{"stream":"btcusdt@trade","data":{"t":${id},"pad":"${'x'.repeat(150)}"}}`

const BROKEN: readonly (readonly [string, Buffer])[] = [
  ['reserved bits', Buffer.from([0xf1, 1, 0x61])],
  ['a masked frame from a server', Buffer.from([0x81, 0x81, 1, 2, 3, 4, 0x61])],
  ['an unknown opcode', Buffer.from([0x83, 0])],
  ['a length of 2^40', Buffer.from([0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0])],
  ['a control frame that is fragmented', Buffer.from([0x09, 0])],
  ['a continuation of nothing', Buffer.from([0x80, 0])]
]

for (const [what, bytes] of BROKEN) {
  test(`${what} ends that connection; the next one flows`, async () => {
    const connection = await startRig()
    connection.raw.write(text(message(1)))
    connection.raw.write(bytes)
    await waitFor(() => rig.runner.counters.reconnects.reset === 1, { timeoutMs: 4000, what })
    await live()
    rig.exchange.publish('btcusdt@trade', '{"t":2}')
    await waitFor(() => rig.sink.frames.length === 2, { timeoutMs: 2000, what: 'both frames' })
    assert.match(rig.runner.status().lastError ?? '', /^reading ws:/)
  })
}

test('too many fragments end the connection before they cost memory', async () => {
  const connection = await startRig()
  connection.raw.write(Buffer.from([0x01, 1, 0x61]))
  const pieces = Buffer.concat(Array.from({ length: 5000 }, () => Buffer.from([0x00, 1, 0x61])))
  connection.raw.write(pieces)
  await waitFor(() => rig.runner.counters.reconnects.reset === 1, { timeoutMs: 4000, what: 'end' })
  assert.equal(rig.sink.frames.length, 0)
})

test('a reset inside a frame: the half is no frame, what was whole is delivered', async () => {
  const connection = await startRig()
  connection.raw.write(text(message(1)))
  connection.raw.write(text(message(2)).subarray(0, 100))
  await waitFor(() => rig.sink.frames.length === 1, { timeoutMs: 2000, what: 'first' })
  connection.raw.resetAndDestroy()
  await live()
  assert.deepEqual(rig.sink.texts(), [message(1)])
})

test('one-byte slices and many frames in one chunk come out as they went in', async () => {
  const connection = await startRig()
  connection.raw.setNoDelay(true)
  for (const byte of text(message(1))) {
    connection.raw.write(Buffer.from([byte]))
    await delay(0)
  }
  connection.raw.write(Buffer.concat(Array.from({ length: 2000 }, (_, n) => text(message(n + 2)))))
  await waitFor(() => rig.sink.frames.length === 2001, { timeoutMs: 4000, what: 'all' })
  assert.deepEqual(
    rig.sink.texts(),
    Array.from({ length: 2001 }, (_, n) => message(n + 1))
  )
})

test('half a frame and then silence is a black hole', async () => {
  const connection = await startRig({
    config: {
      timeouts: {
        connectMs: 4000,
        handshakeMs: 4000,
        idleMs: 300,
        requestMs: 5000,
        acknowledgeMs: 5000
      }
    }
  })
  connection.raw.write(text(message(1)).subarray(0, 50))
  await waitFor(() => rig.runner.counters.reconnects.idle === 1, { timeoutMs: 4000, what: 'idle' })
})

test('invalid UTF-8 and every close code leave the process well and the next connection whole', async () => {
  await startRig()
  for (const code of [1000, 1001, 1006, 1008, 1011, 3000]) {
    const connection = await live()
    connection.raw.write(Buffer.from([0x81, 2, 0xff, 0xfe]))
    const { dials } = rig.exchange
    if (code === 1006) connection.raw.destroy()
    else connection.socket.close(code, 'because')
    await waitFor(() => rig.exchange.dials > dials, { timeoutMs: 6000, what: `after ${code}` })
  }
  await live()
  const { closed, reset } = rig.runner.counters.reconnects
  assert.equal(closed + reset, 6)
  assert.ok(rig.sink.frames.length >= 5, 'the parser judges such frames, not the socket')
})

test('120 reconnects leave no descriptor, socket or timer behind', async () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  await startRig({
    config: { connectsPer5Minutes: 100_000, reconnect: { baseMs: 5, maxMs: 10 } }
  })
  const before = { descriptors: descriptors(), timers: timers() }
  for (let round = 0; round < 120; round++) {
    const connection = await live()
    const { length } = rig.sink.frames
    rig.exchange.publish('btcusdt@trade', '{"t":1}')
    await waitFor(() => rig.sink.frames.length > length, { timeoutMs: 2000, what: 'data' })
    const { dials } = rig.exchange
    if (round % 3 === 0) connection.raw.resetAndDestroy()
    else if (round % 3 === 1) connection.socket.close(1000)
    else connection.socket.terminate()
    await waitFor(() => rig.exchange.dials > dials, { timeoutMs: 6000, everyMs: 2, what: 'redial' })
  }
  await live()
  await delay(50)
  assert.ok(descriptors() <= before.descriptors + 4, `${descriptors()} of ${before.descriptors}`)
  assert.ok(timers() <= before.timers + 4, `${timers()} of ${before.timers}`)
  assert.equal(rig.exchange.live().length, 1)
})
