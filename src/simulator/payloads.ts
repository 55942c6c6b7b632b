/**
 * The exchange's messages as text: key order and number formats as on the wire (spot, web-socket-streams
 * of 2026-07-21). Times are µs inside and ms on the wire unless the connection asked for µs.
 */
import type { Bar, Trade } from './bar.ts'
import type { BookSide } from './book-side.ts'
import type { CandleSeries } from './candle-series.ts'
import { formatBig, formatRatio, formatUnits } from './decimal.ts'
import type { AggregateTrade, SymbolMarket, WindowName } from './symbol-market.ts'
import type { SymbolSpec } from './symbols.ts'

export type TimeUnit = 'ms' | 'us'

export function wireTime(us: number, unit: TimeUnit): number {
  return unit === 'us' ? us : Math.floor(us / 1000)
}

export const priceText = (spec: SymbolSpec, ticks: number): string =>
  formatUnits(ticks, spec.tickDecimals)
export const quantityText = (spec: SymbolSpec, steps: number): string =>
  formatUnits(steps, spec.stepDecimals)
export const quoteText = (spec: SymbolSpec, units: bigint): string =>
  formatBig(units, spec.tickDecimals + spec.stepDecimals)

export function tradePayload(spec: SymbolSpec, trade: Trade, eventUs: number, unit: TimeUnit) {
  return (
    `{"e":"trade","E":${wireTime(eventUs, unit)},"s":"${spec.symbol}","t":${trade.id}` +
    `,"p":"${priceText(spec, trade.priceTicks)}","q":"${quantityText(spec, trade.quantitySteps)}"` +
    `,"T":${wireTime(trade.timeUs, unit)},"m":${trade.buyerIsMaker},"M":true}`
  )
}

export function aggregateTradePayload(
  spec: SymbolSpec,
  trade: AggregateTrade,
  eventUs: number,
  unit: TimeUnit
): string {
  return (
    `{"e":"aggTrade","E":${wireTime(eventUs, unit)},"s":"${spec.symbol}","a":${trade.id}` +
    `,"p":"${priceText(spec, trade.priceTicks)}","q":"${quantityText(spec, trade.quantitySteps)}"` +
    `,"f":${trade.firstId},"l":${trade.lastId}` +
    `,"T":${wireTime(trade.timeUs, unit)},"m":${trade.buyerIsMaker},"M":true}`
  )
}

export function blockTradePayload(spec: SymbolSpec, trade: Trade, eventUs: number, unit: TimeUnit) {
  return (
    `{"e":"blockTrade","E":${wireTime(eventUs, unit)},"s":"${spec.symbol}","t":${trade.id}` +
    `,"p":"${priceText(spec, trade.priceTicks)}","q":"${quantityText(spec, trade.quantitySteps)}"` +
    `,"T":${wireTime(trade.timeUs, unit)},"m":${trade.buyerIsMaker}}`
  )
}

export function klinePayload(options: {
  spec: SymbolSpec
  series: CandleSeries
  bar: Bar
  closed: boolean
  eventUs: number
  unit: TimeUnit
}): string {
  const { spec, series, bar, unit } = options
  return (
    `{"e":"kline","E":${wireTime(options.eventUs, unit)},"s":"${spec.symbol}","k":{` +
    `"t":${wireTime(bar.openUs, unit)},"T":${wireTime(series.closeUs(bar.openUs), unit)}` +
    `,"s":"${spec.symbol}","i":"${series.interval}","f":${bar.firstId},"L":${bar.lastId}` +
    `,"o":"${priceText(spec, bar.openTicks)}","c":"${priceText(spec, bar.closeTicks)}"` +
    `,"h":"${priceText(spec, bar.highTicks)}","l":"${priceText(spec, bar.lowTicks)}"` +
    `,"v":"${quantityText(spec, bar.volumeSteps)}","n":${bar.trades},"x":${options.closed}` +
    `,"q":"${quoteText(spec, bar.quote.toBigInt())}"` +
    `,"V":"${quantityText(spec, bar.takerVolumeSteps)}"` +
    `,"Q":"${quoteText(spec, bar.takerQuote.toBigInt())}","B":"0"}}`
  )
}

/** quote volume / volume, with eight decimals; the last price where nothing was traded. */
export function weightedAverage(spec: SymbolSpec, bar: Bar): string {
  if (bar.trades === 0) return priceText(spec, bar.closeTicks)
  // quote units / steps are ticks: 10^tickDecimals of them make one.
  const scale = 10n ** BigInt(spec.tickDecimals)
  return formatRatio(bar.quote.toBigInt(), BigInt(bar.volumeSteps) * scale, 8)
}

export function changePercent(bar: Bar): string {
  return formatRatio(BigInt(bar.closeTicks - bar.openTicks) * 100n, BigInt(bar.openTicks), 3)
}

export function miniTickerPayload(spec: SymbolSpec, bar: Bar, eventUs: number, unit: TimeUnit) {
  return (
    `{"e":"24hrMiniTicker","E":${wireTime(eventUs, unit)},"s":"${spec.symbol}"` +
    `,"c":"${priceText(spec, bar.closeTicks)}","o":"${priceText(spec, bar.openTicks)}"` +
    `,"h":"${priceText(spec, bar.highTicks)}","l":"${priceText(spec, bar.lowTicks)}"` +
    `,"v":"${quantityText(spec, bar.volumeSteps)}","q":"${quoteText(spec, bar.quote.toBigInt())}"}`
  )
}

/** Window sums with the times the exchange shows beside them. */
export interface TickerView {
  readonly bar: Bar
  readonly openUs: number
  readonly closeUs: number
  readonly priceBefore: number | null
}

export function tickerPayload(
  market: SymbolMarket,
  view: TickerView,
  eventUs: number,
  unit: TimeUnit
): string {
  const { spec, flow } = market
  const { bar } = view
  return (
    `{"e":"24hrTicker","E":${wireTime(eventUs, unit)},"s":"${spec.symbol}"` +
    `,"p":"${priceText(spec, bar.closeTicks - bar.openTicks)}","P":"${changePercent(bar)}"` +
    `,"w":"${weightedAverage(spec, bar)}"` +
    `,"x":"${priceText(spec, view.priceBefore ?? bar.openTicks)}"` +
    `,"c":"${priceText(spec, bar.closeTicks)}"` +
    `,"Q":"${quantityText(spec, market.lastTrade.quantitySteps)}"` +
    `,"b":"${priceText(spec, flow.bids.ticksAt(0))}","B":"${quantityText(spec, flow.bids.stepsAt(0))}"` +
    `,"a":"${priceText(spec, flow.asks.ticksAt(0))}","A":"${quantityText(spec, flow.asks.stepsAt(0))}"` +
    `,"o":"${priceText(spec, bar.openTicks)}","h":"${priceText(spec, bar.highTicks)}"` +
    `,"l":"${priceText(spec, bar.lowTicks)}","v":"${quantityText(spec, bar.volumeSteps)}"` +
    `,"q":"${quoteText(spec, bar.quote.toBigInt())}"` +
    `,"O":${wireTime(view.openUs, unit)},"C":${wireTime(view.closeUs, unit)}` +
    `,"F":${bar.firstId},"L":${bar.lastId},"n":${bar.trades}}`
  )
}

export function windowTickerPayload(options: {
  market: SymbolMarket
  window: WindowName
  view: TickerView
  eventUs: number
  unit: TimeUnit
}): string {
  const { view, unit } = options
  const { spec } = options.market
  const { bar } = view
  return (
    `{"e":"${options.window}Ticker","E":${wireTime(options.eventUs, unit)},"s":"${spec.symbol}"` +
    `,"p":"${priceText(spec, bar.closeTicks - bar.openTicks)}","P":"${changePercent(bar)}"` +
    `,"w":"${weightedAverage(spec, bar)}","o":"${priceText(spec, bar.openTicks)}"` +
    `,"h":"${priceText(spec, bar.highTicks)}","l":"${priceText(spec, bar.lowTicks)}"` +
    `,"c":"${priceText(spec, bar.closeTicks)}","v":"${quantityText(spec, bar.volumeSteps)}"` +
    `,"q":"${quoteText(spec, bar.quote.toBigInt())}"` +
    `,"O":${wireTime(view.openUs, unit)},"C":${wireTime(view.closeUs, unit)}` +
    `,"F":${bar.firstId},"L":${bar.lastId},"n":${bar.trades}}`
  )
}

export function bookTickerPayload(market: SymbolMarket): string {
  const { spec, flow } = market
  const { bids, asks } = flow
  return (
    `{"u":${flow.updateId},"s":"${spec.symbol}"` +
    `,"b":"${priceText(spec, bids.ticksAt(0))}","B":"${quantityText(spec, bids.stepsAt(0))}"` +
    `,"a":"${priceText(spec, asks.ticksAt(0))}","A":"${quantityText(spec, asks.stepsAt(0))}"}`
  )
}

export function averagePayload(options: {
  spec: SymbolSpec
  bar: Bar
  lastTradeUs: number
  eventUs: number
  unit: TimeUnit
}): string {
  const { spec, unit } = options
  return (
    `{"e":"avgPrice","E":${wireTime(options.eventUs, unit)},"s":"${spec.symbol}","i":"5m"` +
    `,"w":"${weightedAverage(spec, options.bar)}","T":${wireTime(options.lastTradeUs, unit)}}`
  )
}

export function referencePayload(spec: SymbolSpec, price: string | null, timeUs: number) {
  const text = price === null ? 'null' : `"${price}"`
  return (unit: TimeUnit): string =>
    `{"e":"referencePrice","s":"${spec.symbol}","r":${text},"t":${wireTime(timeUs, unit)}}`
}

/** `count` levels from the best, as `[["price","quantity"],…]`. */
export function levelsText(spec: SymbolSpec, side: BookSide, count: number): string {
  const rows: string[] = []
  for (let rank = 0; rank < Math.min(count, side.count); rank++) {
    rows.push(levelText(spec, side.ticksAt(rank), side.stepsAt(rank)))
  }
  return `[${rows.join(',')}]`
}

export function levelText(spec: SymbolSpec, ticks: number, steps: number): string {
  return `["${priceText(spec, ticks)}","${quantityText(spec, steps)}"]`
}

/** A partial-depth frame and a REST snapshot look alike. */
export function bookPayload(market: SymbolMarket, levels: number): string {
  const { spec, flow } = market
  return (
    `{"lastUpdateId":${flow.updateId},"bids":${levelsText(spec, flow.bids, levels)}` +
    `,"asks":${levelsText(spec, flow.asks, levels)}}`
  )
}
