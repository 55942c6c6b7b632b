/**
 * How to ask REST whether a silent stream should have spoken. Nearly every spot stream moves with
 * trades, and the newest aggregate trade (weight 4) shows the last trade id and time; books move with
 * update ids (weight 5).
 */
import type { StreamActivity, StreamProbe, StreamSpec } from '../adapter.ts'
import { BINANCE_CHANNELS, type BinanceChannel } from './channels.ts'
import { asObject, parseJson } from './rest.ts'

/** Real-time streams push at once, the others once in 1 or 2 s. */
const REAL_TIME_GRACE_MS = 1500
const PERIODIC_GRACE_MS = 4000
/** The exchange's and our clock may differ by this much before a comparison of both means anything, µs. */
const CLOCK_SLACK_US = 10_000_000
/** An all-market stream is judged by the symbol that is never quiet. */
const LIQUID_SYMBOL = 'BTCUSDT'
const DEPTH_LIMIT = 5

interface NewestTrade {
  readonly aggregateId: number
  readonly lastTradeId: number
  readonly timeUs: number
}

export function streamProbe(stream: StreamSpec): StreamProbe | null {
  const channel = BINANCE_CHANNELS.get(stream.channel)
  if (channel === undefined) return null
  const symbol = encodeURIComponent(stream.symbol === '' ? LIQUID_SYMBOL : stream.symbol)
  switch (channel.kind) {
    case 'trade':
      return tradeProbe(
        symbol,
        REAL_TIME_GRACE_MS,
        (trade, seen) => trade.lastTradeId > seen.lastId
      )
    case 'aggTrade':
      return tradeProbe(
        symbol,
        REAL_TIME_GRACE_MS,
        (trade, seen) => trade.aggregateId > seen.lastId
      )
    case 'kline':
    case 'ticker':
      return tradeProbe(symbol, PERIODIC_GRACE_MS, (trade, seen) =>
        isTradeBeyond(trade, seen, channel)
      )
    case 'miniTicker':
    case 'avgPrice':
      // Their position is the event time, on the exchange's clock like the trade's time.
      return tradeProbe(symbol, PERIODIC_GRACE_MS, (trade, seen) => trade.timeUs > seen.lastId)
    case 'depth':
      return depthProbe(symbol)
    case 'bookTicker':
      return changeProbe(`/api/v3/ticker/bookTicker?symbol=${symbol}`, 2, bestPrices)
    case 'book':
      return changeProbe(`/api/v3/depth?symbol=${symbol}&limit=${channel.levels}`, 5, bookLevels)
    case 'blockTrade':
    case 'referencePrice':
      // Rare by nature, and not served by every REST endpoint.
      return null
  }
}

/** Klines and tickers carry the last trade id; a candle without trades and an array carry none. */
function isTradeBeyond(trade: NewestTrade, seen: StreamActivity, channel: BinanceChannel): boolean {
  if (seen.lastId >= 0 && !channel.allMarket) return trade.lastTradeId > seen.lastId
  return trade.timeUs > seen.advancedTimeUs + CLOCK_SLACK_US
}

function tradeProbe(
  symbol: string,
  graceMs: number,
  isBeyond: (trade: NewestTrade, seen: StreamActivity) => boolean
): StreamProbe {
  return {
    path: `/api/v3/aggTrades?symbol=${symbol}&limit=1`,
    weight: 4,
    graceMs,
    kind: 'position',
    isAhead: (body, seen, sinceUs) => {
      const trade = newestTrade(body)
      if (trade === null) return false
      if (seen === null) return trade.timeUs > sinceUs + CLOCK_SLACK_US
      return isBeyond(trade, seen)
    },
    fingerprint: () => null
  }
}

function newestTrade(body: Uint8Array): NewestTrade | null {
  const rows = parseJson(body)
  const row = Array.isArray(rows) ? asObject(rows[rows.length - 1]) : null
  const aggregateId = row?.['a']
  const lastTradeId = row?.['l']
  const time = row?.['T']
  if (typeof aggregateId !== 'number' || typeof lastTradeId !== 'number') return null
  if (typeof time !== 'number') return null
  // Milliseconds unless the magnitude says µs.
  return { aggregateId, lastTradeId, timeUs: time < 1e14 ? time * 1000 : time }
}

function depthProbe(symbol: string): StreamProbe {
  return {
    path: `/api/v3/depth?symbol=${symbol}&limit=${DEPTH_LIMIT}`,
    weight: 5,
    graceMs: PERIODIC_GRACE_MS,
    kind: 'position',
    isAhead: (body, seen) => {
      const updateId = asObject(parseJson(body))?.['lastUpdateId']
      return seen !== null && typeof updateId === 'number' && updateId > seen.lastId
    },
    fingerprint: () => null
  }
}

/**
 * The update id moves with every change anywhere in the book, the stream only with the best levels: so
 * the levels themselves are compared, twice.
 */
function changeProbe(
  path: string,
  weight: number,
  fingerprint: (answer: Readonly<Record<string, unknown>>) => string | null
): StreamProbe {
  return {
    path,
    weight,
    graceMs: PERIODIC_GRACE_MS,
    kind: 'change',
    isAhead: () => false,
    fingerprint: (body) => {
      const answer = asObject(parseJson(body))
      return answer === null ? null : fingerprint(answer)
    }
  }
}

function bestPrices(answer: Readonly<Record<string, unknown>>): string | null {
  const fields = ['bidPrice', 'bidQty', 'askPrice', 'askQty'].map((key) => answer[key])
  return fields.every((field) => typeof field === 'string') ? fields.join(' ') : null
}

function bookLevels(answer: Readonly<Record<string, unknown>>): string | null {
  const { bids, asks } = answer as { readonly bids?: unknown; readonly asks?: unknown }
  return Array.isArray(bids) && Array.isArray(asks) ? JSON.stringify([bids, asks]) : null
}
