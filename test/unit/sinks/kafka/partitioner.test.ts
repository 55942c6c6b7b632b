import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { murmur2, partitionOf } from '../../../../src/sinks/kafka/partitioner.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Values of the Java client's own test (UtilsTest.testMurmur2). */
const VECTORS: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107]
]

describe('partitioner', () => {
  for (const [key, hash] of VECTORS) {
    it(`hashes ${key} as the Java client does`, () => {
      assert.equal(murmur2(bytes(key)), hash)
    })
  }

  it('hashes a view that does not start at its buffer', () => {
    const buffer = new Uint8Array([1, 2, 3, ...bytes('foobar'), 9])
    assert.equal(murmur2(buffer.subarray(3, 9)), -790332482)
  })

  it('drops the sign, not the remainder', () => {
    assert.equal(partitionOf(bytes('21'), 12), (-973932308 & 0x7fffffff) % 12)
    for (let partitions = 1; partitions < 50; partitions++) {
      const partition = partitionOf(bytes('foobar'), partitions)
      assert.ok(partition >= 0 && partition < partitions)
    }
  })
})
