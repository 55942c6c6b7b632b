/** The facts of the recordings' README, reproduced by the oracle: it reads real data rightly. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe, type ExpectedRecord, normalise } from './normalise.ts'
import { ALL_CAPTURES, framesOf, hasRecording, readCapture, SPOT_CAPTURES } from './recordings.ts'

const parsed = new Map<string, ExpectedRecord[]>()

function recordsOf(capture: string): ExpectedRecord[] {
  const known = parsed.get(capture) ?? parse(capture)
  parsed.set(capture, known)
  return known
}

function parse(capture: string): ExpectedRecord[] {
  return framesOf(capture).flatMap(({ text, receivedTimeUs, line }) => {
    const verdict = normalise(Buffer.from(text), {
      receivedTimeUs: receivedTimeUs ?? 0n,
      exchange: 'binance',
      source: 'live',
      stream: null
    })
    assert.notEqual(verdict.kind, 'dead', `${capture}:${line} ${describe(verdict)}`)
    return verdict.kind === 'records' ? verdict.records : []
  })
}

for (const capture of ALL_CAPTURES) {
  const skip = hasRecording(capture) ? false : `recording ${capture} is not on this machine`
  test(`oracle: every frame of ${capture} is a record`, { skip }, (t) => {
    const counts: Record<string, number> = {}
    for (const { type } of recordsOf(capture)) counts[type] = (counts[type] ?? 0) + 1
    t.diagnostic(JSON.stringify(counts))
    assert.ok(Object.keys(counts).length > 0)
  })
}

const skipSpot = SPOT_CAPTURES.every(hasRecording) ? false : 'the spot recordings are absent'

test('oracle: ids and update ids of the two spot files run without a hole', {
  skip: skipSpot
}, (t) => {
  const lines = SPOT_CAPTURES.reduce((sum, name) => sum + readCapture(name).length, 0)
  assert.equal(lines, 99_574)
  const all = SPOT_CAPTURES.flatMap(recordsOf)
  const trades = all.filter((record) => record.type === 'trade')
  assert.equal(trades.length, 19_904)
  const perMs = new Map<string, number>()
  for (const [index, { firstId, value }] of trades.entries()) {
    const previous = trades[index - 1]
    if (previous !== undefined) assert.equal(firstId, previous.firstId + 1n)
    const time = /"tradeTime":(\d+)/.exec(value)?.[1] ?? ''
    perMs.set(time, (perMs.get(time) ?? 0) + 1)
  }
  assert.equal(Math.max(...perMs.values()), 735)
  const depths = all.filter((record) => record.type === 'depth')
  for (const [index, { firstId }] of depths.entries()) {
    const previous = depths[index - 1]
    if (previous !== undefined) assert.equal(firstId, previous.lastId + 1n)
  }
  const largest = SPOT_CAPTURES.flatMap(framesOf).reduce(
    (max, { text }) => Math.max(max, text.length),
    0
  )
  assert.ok(largest > 34_000 && largest < 36_000, `largest frame ${largest}`)
  t.diagnostic(`${trades.length} trades, ${depths.length} depth frames, largest ${largest} bytes`)
})

type Side = Map<string, string>

function applyLevels(side: Side, levels: readonly (readonly [string, string])[]): void {
  for (const [price, quantity] of levels) {
    if (Number(quantity) === 0) side.delete(price)
    else side.set(price, quantity)
  }
}

/** Prices here have ten digits: a double tells them apart. */
function best(side: Side, pick: (...prices: number[]) => number): [string, string] {
  let found = ''
  let value = Number.NaN
  for (const price of side.keys()) {
    const candidate = Number.isNaN(value) ? Number(price) : pick(value, Number(price))
    if (candidate !== value) [found, value] = [price, candidate]
  }
  return [found, side.get(found) ?? '']
}

/** The last quote at or before each update id, in the order of `depths`. */
function quotesAt(all: readonly ExpectedRecord[], depths: readonly ExpectedRecord[]): string[] {
  const tickers = all
    .filter((record) => record.type === 'bookTicker')
    .sort((left, right) => (left.lastId < right.lastId ? -1 : 1))
  let next = 0
  return depths.map(({ lastId }) => {
    while (next < tickers.length && (tickers[next]?.lastId ?? 0n) <= lastId) next++
    return tickers[next - 1]?.value ?? ''
  })
}

test('oracle: the rebuilt book agrees with bookTicker 6,490 times of 6,492', {
  skip: skipSpot
}, () => {
  const rest = readCapture(SPOT_CAPTURES[0]).find((line) => line.isRest)
  assert.equal(rest?.line, 8)
  const snapshot = JSON.parse(rest?.text ?? '') as {
    lastUpdateId: number
    bids: [string, string][]
    asks: [string, string][]
  }
  const [bids, asks]: [Side, Side] = [new Map(snapshot.bids), new Map(snapshot.asks)]
  const all = SPOT_CAPTURES.flatMap(recordsOf)
  const depths = all.filter(
    ({ type, lastId }) => type === 'depth' && lastId > BigInt(snapshot.lastUpdateId)
  )
  const quotes = quotesAt(all, depths)
  let agreed = 0
  for (const [index, record] of depths.entries()) {
    const depth = JSON.parse(record.value) as { bids: [string, string][]; asks: [string, string][] }
    applyLevels(bids, depth.bids)
    applyLevels(asks, depth.asks)
    const [bid, bidQuantity] = best(bids, Math.max)
    const [ask, askQuantity] = best(asks, Math.min)
    const quote = JSON.stringify({ bid, bidQuantity, ask, askQuantity }).slice(1)
    if (quotes[index]?.endsWith(quote) === true) agreed++
  }
  // The first frame arrived before the snapshot and only completes it.
  assert.deepEqual([agreed - 1, depths.length - 1], [6490, 6492])
})
