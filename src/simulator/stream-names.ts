/** Stream names of the exchange, taken apart. Case matters everywhere but in the exchange's own symbols. */
import { type Interval, isInterval } from './intervals.ts'
import { WINDOWS, type WindowName } from './symbol-market.ts'

export type SimpleKind =
  | 'trade'
  | 'aggTrade'
  | 'blockTrade'
  | 'bookTicker'
  | 'miniTicker'
  | 'ticker'
  | 'avgPrice'
  | 'referencePrice'

export type StreamSpec =
  | { readonly kind: SimpleKind; readonly symbol: string }
  | {
      readonly kind: 'kline'
      readonly symbol: string
      readonly interval: Interval
      readonly shanghai: boolean
    }
  | { readonly kind: 'windowTicker'; readonly symbol: string; readonly window: WindowName }
  | { readonly kind: 'depth'; readonly symbol: string; readonly periodMs: 100 | 1000 }
  | {
      readonly kind: 'book'
      readonly symbol: string
      readonly levels: number
      readonly periodMs: 100 | 1000
    }
  | { readonly kind: 'miniTickers' }
  | { readonly kind: 'windowTickers'; readonly window: WindowName }

const SIMPLE: readonly string[] = [
  'trade',
  'aggTrade',
  'blockTrade',
  'bookTicker',
  'miniTicker',
  'ticker',
  'avgPrice',
  'referencePrice'
] satisfies SimpleKind[]

function isWindow(text: string): text is WindowName {
  return Object.hasOwn(WINDOWS, text)
}

/** Null for a name that no stream has; `symbol` is as written, so in lower case where it exists. */
export function parseStreamName(name: string): StreamSpec | null {
  if (name === '!miniTicker@arr') return { kind: 'miniTickers' }
  const market = /^!ticker_(\w+)@arr$/.exec(name)
  if (market !== null) {
    const window = market[1] as string
    return isWindow(window) ? { kind: 'windowTickers', window } : null
  }
  const at = name.indexOf('@')
  if (at <= 0) return null
  return parseChannel(name.slice(0, at), name.slice(at + 1))
}

function parseChannel(symbol: string, channel: string): StreamSpec | null {
  if (SIMPLE.includes(channel)) return { kind: channel as SimpleKind, symbol }
  if (channel.startsWith('ticker_')) {
    const window = channel.slice(7)
    return isWindow(window) ? { kind: 'windowTicker', symbol, window } : null
  }
  const kline = /^kline_(\w+)(@\+08:00)?$/.exec(channel)
  if (kline !== null) {
    const interval = kline[1] as string
    const shanghai = kline[2] !== undefined
    return isInterval(interval) ? { kind: 'kline', symbol, interval, shanghai } : null
  }
  const depth = /^depth(5|10|20)?(@100ms|@1000ms)?$/.exec(channel)
  if (depth === null) return null
  const periodMs = depth[2] === '@100ms' ? 100 : 1000
  if (depth[1] === undefined) return { kind: 'depth', symbol, periodMs }
  return { kind: 'book', symbol, levels: Number(depth[1]), periodMs }
}
