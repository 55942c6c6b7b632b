/** Who listens to which stream, and the rendering of what happens for them. Nothing is rendered unheard. */
import { Bar, type Trade } from './bar.ts'
import { BookDiffs } from './book-diffs.ts'
import type { CandleSeries } from './candle-series.ts'
import { type Frame, FrameForms } from './frame.ts'
import type { ExchangeListener, Market } from './market.ts'
import type { TimeUnit } from './payloads.ts'
import * as payloads from './payloads.ts'
import { parseStreamName, type SimpleKind, type StreamSpec } from './stream-names.ts'
import type { AggregateTrade, BlockTrade, SymbolMarket, WindowName } from './symbol-market.ts'
import { lowerAscii } from './symbols.ts'
import { averageBar, dayTickerView, windowTickerView } from './ticker-views.ts'

export interface Listener {
  readonly combined: boolean
  readonly timeUnit: TimeUnit
  enqueue(frame: Frame): void
}

interface Channel {
  readonly name: string
  readonly spec: StreamSpec
  readonly listeners: Set<Listener>
}

/** The streams of one symbol that somebody listens to now. */
interface SymbolChannels {
  readonly direct: Map<SimpleKind, Channel>
  readonly others: Set<Channel>
  readonly diffs: BookDiffs
  /** Trades seen at the last second, to tell symbols that changed from those that did not. */
  tradesBefore: number
  bookIdBefore: number
  slowBookIdBefore: number
}

const NO_IDS: readonly [number, number] = [-1, -1]
const DIRECT: ReadonlySet<string> = new Set(['trade', 'aggTrade', 'blockTrade', 'bookTicker'])

export class StreamHub implements ExchangeListener {
  readonly #byLowerName = new Map<string, SymbolMarket>()
  readonly #symbols = new Map<SymbolMarket, SymbolChannels>()
  readonly #channels = new Map<string, Channel>()
  readonly #marketWide = new Set<Channel>()
  #changed: SymbolMarket[] = []

  constructor(market: Market) {
    for (const [symbol, symbolMarket] of market.symbols) {
      this.#byLowerName.set(lowerAscii(symbol), symbolMarket)
      this.#symbols.set(symbolMarket, {
        direct: new Map(),
        others: new Set(),
        diffs: new BookDiffs(symbolMarket),
        tradesBefore: symbolMarket.trades.end,
        bookIdBefore: symbolMarket.flow.updateId,
        slowBookIdBefore: symbolMarket.flow.updateId
      })
    }
  }

  /** A name that no stream has is accepted and stays silent for ever, as on the exchange. */
  subscribe(name: string, listener: Listener): void {
    const known = this.#channels.get(name)
    if (known !== undefined) {
      known.listeners.add(listener)
      return
    }
    const spec = parseStreamName(name)
    if (spec === null) return
    const channel: Channel = { name, spec, listeners: new Set([listener]) }
    if ('symbol' in spec) {
      const market = this.#byLowerName.get(spec.symbol)
      const channels = market === undefined ? undefined : this.#symbols.get(market)
      if (channels === undefined) return
      if (DIRECT.has(spec.kind)) channels.direct.set(spec.kind as SimpleKind, channel)
      else channels.others.add(channel)
    } else this.#marketWide.add(channel)
    this.#channels.set(name, channel)
  }

  unsubscribe(name: string, listener: Listener): void {
    const channel = this.#channels.get(name)
    if (channel === undefined) return
    channel.listeners.delete(listener)
    if (channel.listeners.size > 0) return
    this.#channels.delete(name)
    this.#marketWide.delete(channel)
    if (!('symbol' in channel.spec)) return
    const market = this.#byLowerName.get(channel.spec.symbol) as SymbolMarket
    const channels = this.#symbols.get(market) as SymbolChannels
    channels.direct.delete(channel.spec.kind as SimpleKind)
    channels.others.delete(channel)
  }

  onTrade(market: SymbolMarket, trade: Trade, eventUs: number): void {
    const channel = this.#symbols.get(market)?.direct.get('trade')
    if (channel === undefined) return
    this.#publish(channel, [trade.id, trade.id], (unit) =>
      payloads.tradePayload(market.spec, trade, eventUs, unit)
    )
  }

  onAggregateTrade(market: SymbolMarket, trade: AggregateTrade, eventUs: number): void {
    const channel = this.#symbols.get(market)?.direct.get('aggTrade')
    if (channel === undefined) return
    this.#publish(channel, [trade.id, trade.id], (unit) =>
      payloads.aggregateTradePayload(market.spec, trade, eventUs, unit)
    )
  }

  onBlockTrade(market: SymbolMarket, trade: BlockTrade): void {
    const channel = this.#symbols.get(market)?.direct.get('blockTrade')
    if (channel === undefined) return
    this.#publish(channel, [trade.id, trade.id], (unit) =>
      payloads.blockTradePayload(market.spec, trade, trade.eventUs, unit)
    )
  }

  onBestChanged(market: SymbolMarket): void {
    const channel = this.#symbols.get(market)?.direct.get('bookTicker')
    if (channel === undefined) return
    const id = market.flow.updateId
    this.#publish(channel, [id, id], () => payloads.bookTickerPayload(market))
  }

  onBookPeriod(market: SymbolMarket, timeUs: number): void {
    const channels = this.#symbols.get(market) as SymbolChannels
    const fast = channels.diffs.takeFast(timeUs)
    const whole = timeUs % 1_000_000 === 0
    const slow = whole ? channels.diffs.takeSlow(timeUs) : null
    const id = market.flow.updateId
    const moved = id !== channels.bookIdBefore
    const movedSlowly = whole && id !== channels.slowBookIdBefore
    channels.bookIdBefore = id
    if (whole) channels.slowBookIdBefore = id
    for (const channel of channels.others) {
      const { spec } = channel
      if (spec.kind === 'depth') {
        const diff = spec.periodMs === 100 ? fast : slow
        if (diff !== null) this.#publish(channel, [diff.firstId, diff.lastId], diff.render)
      } else if (spec.kind === 'book' && (spec.periodMs === 100 ? moved : movedSlowly)) {
        const { levels } = spec
        this.#publish(channel, [id, id], () => payloads.bookPayload(market, levels))
      }
    }
  }

  onSecond(market: SymbolMarket, timeUs: number, closed: readonly CandleSeries[]): void {
    const channels = this.#symbols.get(market) as SymbolChannels
    const traded = market.trades.end !== channels.tradesBefore
    channels.tradesBefore = market.trades.end
    if (traded) this.#changed.push(market)
    const eventUs = timeUs + 2_000
    for (const channel of channels.others) {
      const { spec } = channel
      if (spec.kind === 'kline') this.#kline(channel, market, timeUs, closed)
      else if (spec.kind === 'avgPrice') {
        const bar = averageBar(market)
        const lastTradeUs = market.lastTrade.timeUs
        this.#publish(channel, NO_IDS, (unit) =>
          payloads.averagePayload({ spec: market.spec, bar, lastTradeUs, eventUs, unit })
        )
      } else if (spec.kind === 'referencePrice') {
        const price = payloads.weightedAverage(market.spec, averageBar(market))
        // The exchange shows null until it has a price; here for symbols that never traded.
        const known = market.trades.end > 0 ? price : null
        this.#publish(channel, NO_IDS, payloads.referencePayload(market.spec, known, timeUs))
      } else if (traded) this.#ticker(channel, market, eventUs)
    }
  }

  onMarketSecond(timeUs: number): void {
    const changed = this.#changed
    this.#changed = []
    if (changed.length === 0) return
    const eventUs = timeUs + 3_000
    for (const channel of this.#marketWide) {
      const { spec } = channel
      this.#publish(channel, NO_IDS, (unit) => {
        const rows = changed.map((market) =>
          spec.kind === 'windowTickers'
            ? this.#windowRow(market, spec.window, eventUs, unit)
            : payloads.miniTickerPayload(market.spec, market.windowBar('1d'), eventUs, unit)
        )
        return `[${rows.join(',')}]`
      })
    }
  }

  #kline(
    channel: Channel,
    market: SymbolMarket,
    timeUs: number,
    closedSeries: readonly CandleSeries[]
  ): void {
    const { spec } = channel
    if (spec.kind !== 'kline') return
    const all = spec.shanghai ? market.shanghaiCandles : market.candles
    const series = all.get(spec.interval) as CandleSeries
    const closed = closedSeries.includes(series)
    // Every 2,000 ms, but every second for 1s; a closing candle is never skipped.
    if (!closed && (spec.interval === '1s' || (timeUs / 1_000_000) % 2 !== 0)) return
    const current = closed ? (series.closed.at(-1) as Bar) : series.current
    if (!closed && current.trades === 0) return
    const bar = current.joined(new Bar(current.openUs, current.closeTicks))
    const eventUs = timeUs + 1_000
    this.#publish(channel, [bar.firstId, bar.lastId], (unit) =>
      payloads.klinePayload({ spec: market.spec, series, bar, closed, eventUs, unit })
    )
  }

  #ticker(channel: Channel, market: SymbolMarket, eventUs: number): void {
    const { spec } = channel
    if (spec.kind === 'miniTicker') {
      const bar = market.windowBar('1d')
      this.#publish(channel, NO_IDS, (unit) =>
        payloads.miniTickerPayload(market.spec, bar, eventUs, unit)
      )
    } else if (spec.kind === 'ticker') {
      const view = dayTickerView(market, eventUs)
      const ids = [view.bar.firstId, view.bar.lastId] as const
      this.#publish(channel, ids, (unit) => payloads.tickerPayload(market, view, eventUs, unit))
    } else if (spec.kind === 'windowTicker') {
      const { bar } = windowTickerView(market, spec.window, eventUs)
      this.#publish(channel, [bar.firstId, bar.lastId], (unit) =>
        this.#windowRow(market, spec.window, eventUs, unit)
      )
    }
  }

  #windowRow(market: SymbolMarket, window: WindowName, eventUs: number, unit: TimeUnit): string {
    const view = windowTickerView(market, window, eventUs)
    return payloads.windowTickerPayload({ market, window, view, eventUs, unit })
  }

  #publish(
    channel: Channel,
    ids: readonly [number, number],
    render: (unit: TimeUnit) => string
  ): void {
    const forms = new FrameForms(channel.name, ids, render)
    for (const listener of channel.listeners) {
      listener.enqueue(forms.frame(listener.combined, listener.timeUnit))
    }
  }
}
