import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { message, messageHeader, SyntheticBatches } from '../../../bench/e2e/feed-frames.ts'

interface AggTrade {
  readonly stream: string
  readonly data: Readonly<Record<'s' | 'p' | 'q', string>> & Readonly<Record<'a' | 'E', number>>
}

/** Reads the messages of a batch back, by their own headers. */
function decode(bytes: Buffer): AggTrade[] {
  const messages: AggTrade[] = []
  for (let at = 0; at < bytes.length; ) {
    const short = (bytes[at + 1] ?? 0) & 0x7f
    const start = at + (short === 126 ? 4 : 2)
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short
    messages.push(JSON.parse(bytes.toString('utf8', start, start + length)) as AggTrade)
    at = start + length
  }
  return messages
}

describe('feed frames', () => {
  const symbols = ['AAA000USDT', 'AAA001USDT', 'AAA002USDT']

  test('every round holds one message per symbol, with ids that go on from round to round', () => {
    const batches = new SyntheticBatches(symbols, false)
    const buffer = batches.allocate(8)
    const ids = new Map<string, number[]>()
    for (const firstRound of [0, 8]) {
      for (const { stream, data } of decode(batches.fill(buffer, firstRound, 8))) {
        assert.equal(stream, `${data.s.toLowerCase()}@aggTrade`)
        assert.match(data.p, /^\d{5}\.\d{5}$/)
        ids.set(data.s, [...(ids.get(data.s) ?? []), data.a])
      }
    }
    assert.deepEqual([...ids.keys()], symbols)
    for (const list of ids.values()) {
      assert.deepEqual(
        list,
        Array.from({ length: 16 }, (_, round) => 1_000_000_000 + round)
      )
    }
  })

  test('a stamped quantity holds the sending time modulo 100 seconds', () => {
    const batches = new SyntheticBatches(symbols, true)
    const [first] = decode(batches.fill(batches.allocate(1), 0, 1))
    const nowUs = Math.round((performance.timeOrigin + performance.now()) * 1000)
    const age = (nowUs - Number(first?.data.q.slice(2)) + 1e9) % 100_000_000
    assert.ok(age < 60_000_000, `${age} µs`)
  })

  test('symbols of different lengths are refused', () => {
    assert.throws(() => new SyntheticBatches(['AUSDT', 'ABUSDT'], false), /one length/)
  })

  test('headers say the length in the shortest form', () => {
    assert.equal(messageHeader(125).length, 2)
    assert.equal(messageHeader(126).length, 4)
    assert.equal(messageHeader(65_535).length, 4)
    assert.equal(messageHeader(65_536).length, 10)
    assert.equal(message('é').length, 4)
  })
})
