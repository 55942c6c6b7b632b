import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrng } from '../../../src/core/prng.ts'
import { SendPacer } from '../../../src/transport/send-pacer.ts'
import { FakeClock } from '../../support/fake-clock.ts'

interface Sent {
  readonly kind: 'text' | 'pong'
  readonly value: string
  readonly atMs: number
}

function createPacer(): { clock: FakeClock; pacer: SendPacer; sent: Sent[] } {
  const clock = new FakeClock()
  const sent: Sent[] = []
  const pacer = new SendPacer({
    clock,
    messagesPerSecondMax: 5,
    controlPerSecondMax: 3,
    sendText: (value) => sent.push({ kind: 'text', value, atMs: clock.nowMs }),
    sendPong: (payload) =>
      sent.push({ kind: 'pong', value: Buffer.from(payload).toString(), atMs: clock.nowMs })
  })
  return { clock, pacer, sent }
}

function assertPaced(sent: readonly Sent[], count: number): void {
  for (let index = count; index < sent.length; index++) {
    const spanMs = (sent[index] as Sent).atMs - (sent[index - count] as Sent).atMs
    assert.ok(spanMs > 1000, `${count + 1} messages in ${spanMs} ms`)
  }
}

test('control messages leave in order, at most 3 in a second, each announced as it leaves', () => {
  const { clock, pacer, sent } = createPacer()
  const announced: string[] = []
  for (let n = 0; n < 20; n++) pacer.sendControl(`m${n}`, () => announced.push(`m${n}`))
  assert.equal(sent.length, 3)
  clock.advance(60_000)
  assert.deepEqual(
    sent.map(({ value }) => value),
    Array.from({ length: 20 }, (_, n) => `m${n}`)
  )
  assert.deepEqual(
    announced,
    sent.map(({ value }) => value)
  )
  assertPaced(sent, 3)
  assert.equal(clock.pending, 0)
})

test('a flood of pings: at most 5 messages in a second, always the newest ping, no silence', () => {
  const seed = 5
  const prng = createPrng(seed)
  const { clock, pacer, sent } = createPacer()
  let last = 0
  for (let n = 1; n <= 20_000; n++) {
    pacer.answerPing(Buffer.from(String(n)))
    if (prng.int(400) === 0) pacer.sendControl('c', () => undefined)
    last = n
    clock.advance(prng.int(2))
  }
  clock.advance(5000)
  assertPaced(sent, 5)
  const pongs = sent.filter(({ kind }) => kind === 'pong')
  assert.equal(pongs.at(-1)?.value, String(last), `seed ${seed}`)
  assert.equal(pongs.length + pacer.pongsSuppressed, 20_000)
  for (let index = 1; index < pongs.length; index++) {
    const silenceMs = (pongs[index] as Sent).atMs - (pongs[index - 1] as Sent).atMs
    assert.ok(silenceMs < 1300, `seed ${seed}: ${silenceMs} ms without a pong`)
  }
})

test('a pong goes before waiting control messages, with the payload copied', () => {
  const { clock, pacer, sent } = createPacer()
  for (let n = 0; n < 6; n++) pacer.sendControl(`m${n}`, () => undefined)
  const payload = Buffer.from('abc')
  pacer.answerPing(payload)
  pacer.answerPing(payload)
  assert.deepEqual(
    sent.slice(3).map(({ kind }) => kind),
    ['pong', 'pong']
  )
  pacer.answerPing(payload)
  payload.fill(0)
  clock.advance(1150)
  assert.equal(sent[5]?.value, 'abc')
})

test('closing forgets what waits and stops the timer', () => {
  const { clock, pacer, sent } = createPacer()
  for (let n = 0; n < 9; n++) pacer.sendControl(`m${n}`, () => undefined)
  pacer.close()
  clock.advance(60_000)
  assert.equal(sent.length, 3)
  assert.equal(clock.pending, 0)
})
