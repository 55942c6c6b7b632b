/** Windows over a symbol's trades as the ticker streams and the REST tickers show them. */
import { Bar } from './bar.ts'
import type { TickerView } from './payloads.ts'
import { type SymbolMarket, WINDOWS, type WindowName } from './symbol-market.ts'

const MINUTE_US = 60_000_000

/** Rolling 24 h: opens exactly a day before it closes; whole minutes leave at the far end. */
export function dayTickerView(market: SymbolMarket, closeUs: number): TickerView {
  return {
    bar: market.windowBar('1d'),
    openUs: closeUs - WINDOWS['1d'],
    closeUs,
    priceBefore: market.windows.get('1d')?.priceBefore ?? null
  }
}

/** 1 h, 4 h or 1 d: opens on a minute boundary and closes with the last trade. */
export function windowTickerView(
  market: SymbolMarket,
  window: WindowName,
  nowUs: number
): TickerView {
  const openUs = Math.floor((nowUs - WINDOWS[window]) / MINUTE_US) * MINUTE_US
  return {
    bar: market.windowBar(window),
    openUs,
    closeUs: Math.max(openUs, market.lastTrade.timeUs),
    priceBefore: market.windows.get(window)?.priceBefore ?? null
  }
}

/** The last five minutes, for the average price. */
export function averageBar(market: SymbolMarket): Bar {
  const minutes = market.candles.get('1m')?.closed.slice(-5) ?? []
  const sum = new Bar(0, market.lastTrade.priceTicks)
  for (const minute of minutes) sum.merge(minute)
  sum.merge(market.minute)
  sum.merge(market.second)
  return sum
}
