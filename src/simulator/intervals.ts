/** Kline intervals of the exchange and where each candle opens. */

const SECOND_US = 1_000_000
const MINUTE_US = 60 * SECOND_US
const HOUR_US = 60 * MINUTE_US
const DAY_US = 24 * HOUR_US

export const INTERVALS = [
  '1s',
  '1m',
  '3m',
  '5m',
  '15m',
  '30m',
  '1h',
  '2h',
  '4h',
  '6h',
  '8h',
  '12h',
  '1d',
  '3d',
  '1w',
  '1M'
] as const
export type Interval = (typeof INTERVALS)[number]

const FIXED_US: Readonly<Record<Exclude<Interval, '1M'>, number>> = {
  '1s': SECOND_US,
  '1m': MINUTE_US,
  '3m': 3 * MINUTE_US,
  '5m': 5 * MINUTE_US,
  '15m': 15 * MINUTE_US,
  '30m': 30 * MINUTE_US,
  '1h': HOUR_US,
  '2h': 2 * HOUR_US,
  '4h': 4 * HOUR_US,
  '6h': 6 * HOUR_US,
  '8h': 8 * HOUR_US,
  '12h': 12 * HOUR_US,
  '1d': DAY_US,
  '3d': 3 * DAY_US,
  '1w': 7 * DAY_US
}

/** Monday 1970-01-05: the epoch was a Thursday and the exchange's weeks open on Mondays. */
const WEEK_ORIGIN_US = 4 * DAY_US

export function isInterval(text: string): text is Interval {
  return (INTERVALS as readonly string[]).includes(text)
}

/** Open time of the candle that holds `timeUs`; `offsetUs` is the time zone's distance from UTC. */
export function candleOpenUs(interval: Interval, timeUs: number, offsetUs = 0): number {
  const local = timeUs + offsetUs
  if (interval === '1M') {
    const date = new Date(Math.floor(local / 1000))
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) * 1000 - offsetUs
  }
  const lengthUs = FIXED_US[interval]
  const origin = interval === '1w' ? WEEK_ORIGIN_US : 0
  return Math.floor((local - origin) / lengthUs) * lengthUs + origin - offsetUs
}

/** Open time of the candle after the one that opened at `openUs`. */
export function nextOpenUs(interval: Interval, openUs: number, offsetUs = 0): number {
  if (interval !== '1M') return openUs + FIXED_US[interval]
  const date = new Date(Math.floor((openUs + offsetUs) / 1000))
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) * 1000 - offsetUs
}
