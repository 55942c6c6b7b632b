/** The ticker paths over REST, from the same windows as the ticker streams. */
import { Bar } from './bar.ts'
import {
  changePercent,
  priceText,
  quantityText,
  quoteText,
  type TickerView,
  type TimeUnit,
  weightedAverage,
  wireTime
} from './payloads.ts'
import { badCombination, invalidSymbol, RestError, type RestParameters } from './rest-request.ts'
import type { RollingWindow } from './rolling-window.ts'
import type { SymbolMarket } from './symbol-market.ts'
import { averageBar, dayTickerView } from './ticker-views.ts'

export interface TickerQuery {
  readonly markets: ReadonlyMap<string, SymbolMarket>
  readonly parameters: RestParameters
  readonly unit: TimeUnit
  readonly nowUs: number
}

/** The symbols asked for; `single` when the answer is one object, not an array. */
export interface Selection {
  readonly markets: readonly SymbolMarket[]
  readonly single: boolean
  readonly all: boolean
}

export function selectMarkets(query: TickerQuery): Selection {
  const { parameters, markets } = query
  const symbol = parameters.text('symbol')
  const symbols = parameters.list('symbols')
  if (symbol !== undefined && symbols !== undefined) throw badCombination()
  const names = symbols ?? (symbol === undefined ? [...markets.keys()] : [symbol])
  const selected = names.map((name) => {
    const market = markets.get(name)
    if (market === undefined) throw invalidSymbol()
    return market
  })
  return {
    markets: selected,
    single: symbol !== undefined,
    all: symbol === undefined && symbols === undefined
  }
}

function body(selection: Selection, render: (market: SymbolMarket) => string): string {
  const rows = selection.markets.map(render)
  return selection.single ? (rows[0] as string) : `[${rows.join(',')}]`
}

function isMini(parameters: RestParameters): boolean {
  const type = parameters.text('type') ?? 'FULL'
  if (type === 'FULL' || type === 'MINI') return type === 'MINI'
  throw new RestError(-1130, "Data sent for parameter 'type' is not valid.")
}

function tail(market: SymbolMarket, view: TickerView, unit: TimeUnit): string {
  const { spec } = market
  const { bar } = view
  return (
    `,"volume":"${quantityText(spec, bar.volumeSteps)}"` +
    `,"quoteVolume":"${quoteText(spec, bar.quote.toBigInt())}"` +
    `,"openTime":${wireTime(view.openUs, unit)},"closeTime":${wireTime(view.closeUs, unit)}` +
    `,"firstId":${bar.firstId},"lastId":${bar.lastId},"count":${bar.trades}}`
  )
}

function prices(market: SymbolMarket, bar: Bar): string {
  const { spec } = market
  return (
    `"openPrice":"${priceText(spec, bar.openTicks)}","highPrice":"${priceText(spec, bar.highTicks)}"` +
    `,"lowPrice":"${priceText(spec, bar.lowTicks)}"`
  )
}

function change(market: SymbolMarket, bar: Bar): string {
  const { spec } = market
  return (
    `"priceChange":"${priceText(spec, bar.closeTicks - bar.openTicks)}"` +
    `,"priceChangePercent":"${changePercent(bar)}"` +
    `,"weightedAvgPrice":"${weightedAverage(spec, bar)}"`
  )
}

function fullDay(market: SymbolMarket, view: TickerView, unit: TimeUnit): string {
  const { spec, flow } = market
  const { bar } = view
  return (
    `{"symbol":"${spec.symbol}",${change(market, bar)}` +
    `,"prevClosePrice":"${priceText(spec, view.priceBefore ?? bar.openTicks)}"` +
    `,"lastPrice":"${priceText(spec, bar.closeTicks)}"` +
    `,"lastQty":"${quantityText(spec, market.lastTrade.quantitySteps)}"` +
    `,"bidPrice":"${priceText(spec, flow.bids.ticksAt(0))}"` +
    `,"bidQty":"${quantityText(spec, flow.bids.stepsAt(0))}"` +
    `,"askPrice":"${priceText(spec, flow.asks.ticksAt(0))}"` +
    `,"askQty":"${quantityText(spec, flow.asks.stepsAt(0))}"` +
    `,${prices(market, bar)}${tail(market, view, unit)}`
  )
}

function mini(market: SymbolMarket, view: TickerView, unit: TimeUnit): string {
  const last = priceText(market.spec, view.bar.closeTicks)
  return (
    `{"symbol":"${market.spec.symbol}",${prices(market, view.bar)}` +
    `,"lastPrice":"${last}"${tail(market, view, unit)}`
  )
}

export function dayTicker(query: TickerQuery): string {
  const selection = selectMarkets(query)
  const short = isMini(query.parameters)
  query.parameters.assertAllRead()
  return body(selection, (market) => {
    const view = dayTickerView(market, query.nowUs)
    return short ? mini(market, view, query.unit) : fullDay(market, view, query.unit)
  })
}

const UNIT_US = { m: 60_000_000, h: 3_600_000_000, d: 86_400_000_000 } as const
const UNIT_MAX = { m: 59, h: 23, d: 7 } as const

/** 1m…59m, 1h…23h, 1d…7d. @throws RestError */
function windowUs(text: string): number {
  const match = /^(\d{1,2})([mhd])$/.exec(text)
  const unit = match?.[2] as keyof typeof UNIT_US | undefined
  const count = Number(match?.[1])
  if (unit === undefined || count < 1 || count > UNIT_MAX[unit]) {
    throw new RestError(-1130, "Data sent for parameter 'windowSize' is not valid.")
  }
  return count * UNIT_US[unit]
}

/** Sums over the closed minutes of the window that are still kept, and the running one. */
function windowView(market: SymbolMarket, lengthUs: number, nowUs: number): TickerView {
  const openUs = Math.floor((nowUs - lengthUs) / UNIT_US.m) * UNIT_US.m
  const window = market.windows.get('1d') as RollingWindow
  const bar = new Bar(openUs, market.lastTrade.priceTicks)
  for (const minute of window.minutesSince(openUs)) bar.merge(minute)
  bar.merge(market.minute)
  bar.merge(market.second)
  return { bar, openUs, closeUs: nowUs, priceBefore: null }
}

/** The rolling-window path, `/api/v3/ticker`: up to one day back, which is what the model keeps. */
export function rollingTicker(query: TickerQuery): string {
  const selection = selectMarkets(query)
  const { parameters, unit, nowUs } = query
  const lengthUs = windowUs(parameters.text('windowSize') ?? '1d')
  const short = isMini(parameters)
  parameters.assertAllRead()
  if (selection.all) {
    throw new RestError(
      -1102,
      "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
    )
  }
  return body(selection, (market) => {
    const view = windowView(market, lengthUs, nowUs)
    if (short) return mini(market, view, unit)
    const last = priceText(market.spec, view.bar.closeTicks)
    return (
      `{"symbol":"${market.spec.symbol}",${change(market, view.bar)}` +
      `,${prices(market, view.bar)},"lastPrice":"${last}"${tail(market, view, unit)}`
    )
  })
}

export function priceTicker(query: TickerQuery): string {
  const selection = selectMarkets(query)
  query.parameters.assertAllRead()
  return body(selection, ({ spec, lastTrade }) => {
    return `{"symbol":"${spec.symbol}","price":"${priceText(spec, lastTrade.priceTicks)}"}`
  })
}

export function bestTicker(query: TickerQuery): string {
  const selection = selectMarkets(query)
  query.parameters.assertAllRead()
  return body(selection, ({ spec, flow: { bids, asks } }) => {
    return (
      `{"symbol":"${spec.symbol}","bidPrice":"${priceText(spec, bids.ticksAt(0))}"` +
      `,"bidQty":"${quantityText(spec, bids.stepsAt(0))}"` +
      `,"askPrice":"${priceText(spec, asks.ticksAt(0))}"` +
      `,"askQty":"${quantityText(spec, asks.stepsAt(0))}"}`
    )
  })
}

export function averagePrice(query: TickerQuery): string {
  const symbol = query.parameters.required('symbol')
  query.parameters.assertAllRead()
  const market = query.markets.get(symbol)
  if (market === undefined) throw invalidSymbol()
  const price = weightedAverage(market.spec, averageBar(market))
  const closeTime = wireTime(market.lastTrade.timeUs, query.unit)
  return `{"mins":5,"price":"${price}","closeTime":${closeTime}}`
}
