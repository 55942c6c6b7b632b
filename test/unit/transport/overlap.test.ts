import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrng } from '../../../src/core/prng.ts'
import { Overlap } from '../../../src/transport/overlap.ts'

test('two sockets with the same messages, one behind the other: each goes on once, in order', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const prng = createPrng(seed)
    const overlap = new Overlap()
    const messages = Array.from({ length: 200 }, (_, n) => Buffer.from(`{"t":${n >> 1}}`))
    const out: string[] = []
    let old = 0
    let next = prng.int(20)
    const joined = next
    const held: boolean[] = []
    while (old < 120) {
      if (prng.int(2) === 0 && next < messages.length) {
        held.push(overlap.hold(messages[next++] as Buffer, false))
      } else {
        overlap.remember(messages[old] as Buffer)
        out.push(String(messages[old++]))
      }
    }
    if (joined > old) continue
    for (const { data } of overlap.release()) out.push(String(data))
    for (; next < messages.length; next++) {
      const data = messages[next] as Buffer
      if (!overlap.isRepeated(data)) out.push(String(data))
    }
    assert.deepEqual(out, messages.map(String), `seed ${seed}`)
    assert.ok(held.every(Boolean))
  }
})

test('a full hold says so', () => {
  const overlap = new Overlap()
  const frame = Buffer.alloc(1024 * 1024)
  let count = 1
  while (overlap.hold(frame, false)) count += 1
  assert.equal(count, 16)
})

test('what the old socket brings is remembered within bounds; a full memory says so', () => {
  const overlap = new Overlap()
  const frame = (n: number): Buffer => Buffer.from(`{"t":${n}}`)
  let n = 0
  // As long as the new socket brings nothing, there is no reason to switch to it.
  while (n < 200_000) assert.ok(overlap.remember(frame(n++)))
  assert.ok(overlap.isRepeated(frame(n - 1)))
  assert.ok(overlap.isRepeated(frame(n - 16_000)))
  assert.ok(!overlap.isRepeated(frame(0)), 'the oldest are forgotten')
  overlap.hold(frame(n - 2), false)
  const joinedAt = n
  while (overlap.remember(frame(n++))) assert.ok(n < joinedAt + 65_536)
  assert.ok(n - joinedAt > 32_000)
  assert.deepEqual(overlap.release(), [])
  for (let tail = joinedAt; tail < n; tail++) assert.ok(overlap.isRepeated(frame(tail)))
})
