import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bar } from '../../../src/simulator/bar.ts'
import type { CandleSeries } from '../../../src/simulator/candle-series.ts'
import { candleOpenUs } from '../../../src/simulator/intervals.ts'
import { type ExchangeListener, Market, silentListener } from '../../../src/simulator/market.ts'
import { AGG, type SymbolMarket, TRADE } from '../../../src/simulator/symbol-market.ts'
import { symbolSpecs } from '../../../src/simulator/symbols.ts'

const SEED = Number(process.env['SEED'] ?? 7)
/** A Sunday evening: a day, a week and an hour end within the run. */
const START_US = Date.parse('2026-01-04T23:58:20Z') * 1000

function play(options: { seconds: number; stepUs?: number; rate?: number; count?: number }) {
  const market = new Market({
    specs: symbolSpecs(options.count ?? 3),
    seed: SEED,
    startUs: START_US,
    tradesPerSecond: options.rate ?? 300,
    historyRows: 100_000
  })
  const endUs = START_US + options.seconds * 1e6
  const stepUs = options.stepUs ?? endUs - START_US
  const log: string[] = []
  const note = (text: string): void => void log.push(text)
  const listener: ExchangeListener = {
    ...silentListener,
    onTrade: ({ spec }, trade, eventUs) =>
      note(`${spec.symbol} ${JSON.stringify(trade)} ${eventUs}`),
    onAggregateTrade: ({ spec }, trade) => note(`${spec.symbol} ${JSON.stringify(trade)}`),
    onBestChanged: ({ spec, flow }) => note(`${spec.symbol} ${flow.updateId}`),
    onBookPeriod: (each) => assertSound(each)
  }
  for (let us = START_US; us < endUs; us += stepUs)
    market.advance(Math.min(us + stepUs, endUs), listener)
  return { market, log }
}

function assertSound({ flow, spec }: SymbolMarket): void {
  const { bids, asks } = flow
  assert.ok(bids.ticksAt(0) > 0 && bids.ticksAt(0) < asks.ticksAt(0), `crossed ${spec.symbol}`)
  assert.ok(bids.count >= 20 && asks.count >= 20, `thin ${spec.symbol}`)
}

test('the same seed plays the same market, however it is driven', () => {
  const whole = play({ seconds: 20 })
  const parts = play({ seconds: 20, stepUs: 35_000 })
  assert.ok(whole.log.length > 5_000)
  const length = Math.min(whole.log.length, parts.log.length)
  assert.ok(length > whole.log.length - 100)
  assert.deepEqual(parts.log.slice(0, length), whole.log.slice(0, length))
})

test('a symbol trades the same whatever other symbols there are', () => {
  const few = play({ seconds: 5, count: 1, rate: 100 }).market.symbols.get('BTCUSDT')
  const specs = symbolSpecs(['LTCUSDT', 'BTCUSDT'])
  const many = new Market({
    specs,
    seed: SEED,
    startUs: START_US,
    tradesPerSecond: 10,
    symbolRates: { BTCUSDT: 100 },
    historyRows: 1000
  })
  many.advance(START_US + 5e6, silentListener)
  assert.ok((few?.trades.end ?? 0) > 300)
  assert.equal(many.symbols.get('BTCUSDT')?.trades.end, few?.trades.end)
  assert.equal(many.symbols.get('BTCUSDT')?.flow.updateId, few?.flow.updateId)
})

test('aggregate trades are made of the trades, without hole or overlap', () => {
  for (const symbol of play({ seconds: 60 }).market.symbols.values()) {
    const { trades, aggregates, firstTradeId } = symbol
    let next = firstTradeId
    let several = 0
    for (let row = 0; row < aggregates.end; row++) {
      const first = aggregates.get(row, AGG.FIRST)
      const last = aggregates.get(row, AGG.LAST)
      assert.equal(first, next)
      let quantity = 0
      for (let id = first; id <= last; id++) {
        const trade = id - firstTradeId
        quantity += trades.get(trade, TRADE.QUANTITY)
        assert.equal(trades.get(trade, TRADE.PRICE), aggregates.get(row, AGG.PRICE))
        assert.equal(trades.get(trade, TRADE.TIME), aggregates.get(row, AGG.TIME))
        assert.equal(trades.get(trade, TRADE.MAKER), aggregates.get(row, AGG.MAKER))
      }
      assert.equal(quantity, aggregates.get(row, AGG.QUANTITY))
      if (last > first) several += 1
      next = last + 1
    }
    assert.equal(next, firstTradeId + trades.end)
    assert.ok(several > 100)
  }
})

/** The candle rebuilt from the trades themselves, with bigint sums. */
function rebuilt(market: SymbolMarket, series: CandleSeries, bar: Bar) {
  const { trades } = market
  const sums = { volume: 0n, quote: 0n, takerVolume: 0n, takerQuote: 0n, count: 0 }
  const prices: number[] = []
  const ids: number[] = []
  for (let row = 0; row < trades.end; row++) {
    const time = trades.get(row, TRADE.TIME)
    if (candleOpenUs(series.interval, time, series.offsetUs) !== bar.openUs) continue
    const price = BigInt(trades.get(row, TRADE.PRICE))
    const quantity = BigInt(trades.get(row, TRADE.QUANTITY))
    prices.push(Number(price))
    ids.push(market.firstTradeId + row)
    sums.count += 1
    sums.volume += quantity
    sums.quote += price * quantity
    if (trades.get(row, TRADE.MAKER) === 1) continue
    sums.takerVolume += quantity
    sums.takerQuote += price * quantity
  }
  return { ...sums, prices, ids }
}

test('candles of every interval and zone equal their trades exactly', () => {
  const { market } = play({ seconds: 150, rate: 60 })
  let compared = 0
  for (const symbol of market.symbols.values()) {
    for (const series of [...symbol.candles.values(), ...symbol.shanghaiCandles.values()]) {
      const all = [...series.closed, series.current]
      for (const bar of series.interval === '1s' ? all.slice(-20) : all) {
        const truth = rebuilt(symbol, series, bar)
        assert.equal(bar.trades, truth.count, `${symbol.spec.symbol} ${series.interval}`)
        assert.equal(BigInt(bar.volumeSteps), truth.volume)
        assert.equal(bar.quote.toBigInt(), truth.quote)
        assert.equal(BigInt(bar.takerVolumeSteps), truth.takerVolume)
        assert.equal(bar.takerQuote.toBigInt(), truth.takerQuote)
        assert.equal(bar.firstId, truth.ids[0] ?? -1)
        assert.equal(bar.lastId, truth.ids.at(-1) ?? -1)
        if (truth.count === 0) continue
        assert.equal(bar.openTicks, truth.prices[0])
        assert.equal(bar.closeTicks, truth.prices.at(-1))
        assert.equal(bar.highTicks, Math.max(...truth.prices))
        assert.equal(bar.lowTicks, Math.min(...truth.prices))
        compared += 1
      }
    }
  }
  assert.ok(compared > 150, `${compared} candles compared`)
})

test('the day and the week ended in the run, so long candles closed too', () => {
  const { market } = play({ seconds: 150, rate: 60 })
  const symbol = market.symbols.get('BTCUSDT')
  assert.equal(symbol?.candles.get('1d')?.closed.length, 1)
  assert.equal(symbol?.candles.get('1w')?.closed.length, 1)
  assert.equal(symbol?.shanghaiCandles.get('1d')?.closed.length, 0)
})

test('a silent symbol still has candles, with ids of −1 and the last price', () => {
  const market = new Market({
    specs: symbolSpecs(['BTCUSDT', 'ETHUSDT']),
    seed: SEED,
    startUs: START_US,
    tradesPerSecond: 50,
    symbolRates: { ETHUSDT: 0 },
    historyRows: 10
  })
  market.advance(START_US + 3e6, silentListener)
  const bar = market.symbols.get('ETHUSDT')?.candles.get('1s')?.closed.at(-1) as Bar
  assert.deepEqual([bar.trades, bar.firstId, bar.lastId], [0, -1, -1])
  assert.equal(bar.openTicks, market.symbols.get('ETHUSDT')?.spec.startTicks)
})

test('the trade rate is the one asked for, within a twentieth', () => {
  const { market } = play({ seconds: 60, rate: 2000, count: 8 })
  const trades = [...market.symbols.values()].reduce((sum, each) => sum + each.trades.end, 0)
  assert.ok(Math.abs(trades / 60 / 2000 - 1) < 0.05, `${trades / 60} trades a second`)
})
