/** Trades, aggregate trades and candles over REST: the same rows that went out on the streams. */
import type { Bar } from './bar.ts'
import type { CandleSeries } from './candle-series.ts'
import { formatBig } from './decimal.ts'
import { priceText, quantityText, quoteText, type TimeUnit, wireTime } from './payloads.ts'
import { badCombination, RestError, type RestParameters } from './rest-request.ts'
import { AGG, SHANGHAI_OFFSET_US, type SymbolMarket, TRADE } from './symbol-market.ts'

const ROWS_DEFAULT = 500
const ROWS_MAX = 1000

export interface HistoryQuery {
  readonly market: SymbolMarket
  readonly parameters: RestParameters
  readonly unit: TimeUnit
  readonly nowUs: number
}

function tradeRow(query: HistoryQuery, row: number): string {
  const { market, unit } = query
  const { spec, trades } = market
  const price = trades.get(row, TRADE.PRICE)
  const quantity = trades.get(row, TRADE.QUANTITY)
  const quote = BigInt(price) * BigInt(quantity)
  return (
    `{"id":${market.firstTradeId + row},"price":"${priceText(spec, price)}"` +
    `,"qty":"${quantityText(spec, quantity)}"` +
    `,"quoteQty":"${formatBig(quote, spec.tickDecimals + spec.stepDecimals)}"` +
    `,"time":${wireTime(trades.get(row, TRADE.TIME), unit)}` +
    `,"isBuyerMaker":${trades.get(row, TRADE.MAKER) === 1},"isBestMatch":true}`
  )
}

function rows(from: number, to: number, render: (row: number) => string): string {
  const out: string[] = []
  for (let row = from; row < to; row++) out.push(render(row))
  return `[${out.join(',')}]`
}

/** The newest trades, oldest of them first. */
export function recentTrades(query: HistoryQuery): string {
  const { trades } = query.market
  const limit = query.parameters.limit(ROWS_DEFAULT, ROWS_MAX)
  query.parameters.assertAllRead()
  return rows(Math.max(trades.start, trades.end - limit), trades.end, (row) => tradeRow(query, row))
}

export function historicalTrades(query: HistoryQuery): string {
  const { market, parameters } = query
  const { trades, firstTradeId } = market
  const limit = parameters.limit(ROWS_DEFAULT, ROWS_MAX)
  const fromId = parameters.integer('fromId')
  parameters.assertAllRead()
  const wanted = fromId === undefined ? trades.end - limit : fromId - firstTradeId
  const from = Math.max(trades.start, wanted)
  return rows(from, Math.min(trades.end, from + limit), (row) => tradeRow(query, row))
}

function aggregateRow(query: HistoryQuery, row: number): string {
  const { market, unit } = query
  const { spec, aggregates } = market
  return (
    `{"a":${market.firstAggregateId + row},"p":"${priceText(spec, aggregates.get(row, AGG.PRICE))}"` +
    `,"q":"${quantityText(spec, aggregates.get(row, AGG.QUANTITY))}"` +
    `,"f":${aggregates.get(row, AGG.FIRST)},"l":${aggregates.get(row, AGG.LAST)}` +
    `,"T":${wireTime(aggregates.get(row, AGG.TIME), unit)}` +
    `,"m":${aggregates.get(row, AGG.MAKER) === 1},"M":true}`
  )
}

/** `fromId` is inclusive; start only → oldest first from it; end only → the newest up to it. */
export function aggregateTrades(query: HistoryQuery): string {
  const { market, parameters, nowUs } = query
  const { aggregates, firstAggregateId } = market
  const limit = parameters.limit(ROWS_DEFAULT, ROWS_MAX)
  const fromId = parameters.integer('fromId')
  const startUs = parameters.timeUs('startTime', nowUs)
  const endUs = parameters.timeUs('endTime', nowUs)
  parameters.assertAllRead()
  const timed = startUs !== undefined || endUs !== undefined
  if (fromId !== undefined && timed) throw badCombination()
  if (startUs !== undefined && endUs !== undefined && endUs < startUs) throw badCombination()
  // A time in ms names the whole millisecond: its rows may lie up to 999 µs later.
  const afterUs = endUs === undefined ? undefined : endUs + (endUs % 1000 === 0 ? 1000 : 1)
  const end = afterUs === undefined ? aggregates.end : aggregates.lowerBound(AGG.TIME, afterUs)
  let from = Math.max(aggregates.start, end - limit)
  if (fromId !== undefined) from = Math.max(aggregates.start, fromId - firstAggregateId)
  if (startUs !== undefined) from = aggregates.lowerBound(AGG.TIME, startUs)
  return rows(from, Math.min(end, from + limit), (row) => aggregateRow(query, row))
}

function klineRow(market: SymbolMarket, series: CandleSeries, bar: Bar, unit: TimeUnit): string {
  const { spec } = market
  const close = wireTime(series.closeUs(bar.openUs), unit)
  return (
    `[${wireTime(bar.openUs, unit)},"${priceText(spec, bar.openTicks)}"` +
    `,"${priceText(spec, bar.highTicks)}","${priceText(spec, bar.lowTicks)}"` +
    `,"${priceText(spec, bar.closeTicks)}","${quantityText(spec, bar.volumeSteps)}",${close}` +
    `,"${quoteText(spec, bar.quote.toBigInt())}",${bar.trades}` +
    `,"${quantityText(spec, bar.takerVolumeSteps)}"` +
    `,"${quoteText(spec, bar.takerQuote.toBigInt())}","0"]`
  )
}

/** Candles by open time; the running one is the last, with all trades until now. */
export function klines(query: HistoryQuery): string {
  const { market, parameters, unit, nowUs } = query
  const interval = parameters.interval()
  const limit = parameters.limit(ROWS_DEFAULT, ROWS_MAX)
  const startUs = parameters.timeUs('startTime', nowUs)
  const endUs = parameters.timeUs('endTime', nowUs)
  const shanghai = timeZoneOffset(parameters.text('timeZone')) === SHANGHAI_OFFSET_US
  parameters.assertAllRead()
  if (startUs !== undefined && endUs !== undefined && endUs < startUs) throw badCombination()
  const series = (shanghai ? market.shanghaiCandles : market.candles).get(interval)
  if (series === undefined) return '[]'
  const bars = [...series.closed, series.current.joined(market.second)].filter(
    (bar) =>
      (startUs === undefined || bar.openUs >= startUs) &&
      (endUs === undefined || bar.openUs <= endUs)
  )
  const page = startUs === undefined ? bars.slice(-limit) : bars.slice(0, limit)
  return `[${page.map((bar) => klineRow(market, series, bar, unit)).join(',')}]`
}

/** The model keeps candles for UTC and for the one zone that streams have, +08:00. */
function timeZoneOffset(text: string | undefined): number {
  if (text === undefined) return 0
  const match = /^([+-]?)(\d{1,2})(?::(\d{2}))?$/.exec(text)
  const hours = Number(match?.[2] ?? 99)
  const sign = match?.[1] === '-' ? -1 : 1
  const us = sign * (hours * 3_600_000_000 + Number(match?.[3] ?? 0) * 60_000_000)
  if (us === 0 || us === SHANGHAI_OFFSET_US) return us
  throw new RestError(-1130, "Data sent for parameter 'timeZone' is not valid.")
}
