import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrng } from '../../../src/core/prng.ts'
import { formatBig, formatRatio, formatUnits, WideSum } from '../../../src/simulator/decimal.ts'

const SEED = Number(process.env['SEED'] ?? 20260921)

test('formatUnits prints eight decimals exactly, up to 2^53', (t) => {
  assert.equal(formatUnits(8125005, 2), '81250.05000000')
  assert.equal(formatUnits(1, 8), '0.00000001')
  assert.equal(formatUnits(0, 0), '0.00000000')
  assert.equal(formatUnits(-5, 2), '-0.05000000')
  assert.equal(formatUnits(Number.MAX_SAFE_INTEGER, 8), '90071992.54740991')
  t.diagnostic(`SEED=${SEED}`)
  const prng = createPrng(SEED)
  for (let round = 0; round < 20_000; round++) {
    const decimals = prng.int(9)
    const units = Math.floor(prng.next() * 10 ** (1 + prng.int(15))) * (prng.int(2) === 0 ? 1 : -1)
    assert.equal(formatUnits(units, decimals), formatBig(BigInt(units), decimals))
  }
})

test('formatRatio rounds half away from zero', () => {
  assert.equal(formatRatio(1n, 3n, 8), '0.33333333')
  assert.equal(formatRatio(2n, 3n, 3), '0.667')
  assert.equal(formatRatio(-1n, 8n, 2), '-0.13')
  assert.equal(formatRatio(5n, 0n, 3), '0.000')
})

test('a wide sum holds what a double cannot', () => {
  const prng = createPrng(SEED)
  const sum = new WideSum()
  const part = new WideSum()
  let exact = 0n
  let exactPart = 0n
  for (let round = 0; round < 5_000; round++) {
    const value = Math.floor(prng.next() * 2 ** 52)
    sum.add(value)
    exact += BigInt(value)
    if (round % 3 !== 0) continue
    part.add(value)
    exactPart += BigInt(value)
  }
  assert.ok(exact > 2n ** 60n)
  assert.equal(sum.toBigInt(), exact)
  sum.addSum(part)
  assert.equal(sum.toBigInt(), exact + exactPart)
  sum.subtractSum(part)
  assert.equal(sum.toBigInt(), exact)
})
