/** The REST paths of the exchange: weights, answers, error bodies. Knows nothing of sockets. */
import { exchangeInfoBody } from './exchange-info.ts'
import type { ExchangeLimits } from './limits.ts'
import { bookPayload, type TimeUnit, wireTime } from './payloads.ts'
import {
  aggregateTrades,
  type HistoryQuery,
  historicalTrades,
  klines,
  recentTrades
} from './rest-history.ts'
import { invalidSymbol, RestError, RestParameters } from './rest-request.ts'
import {
  averagePrice,
  bestTicker,
  dayTicker,
  priceTicker,
  rollingTicker,
  type TickerQuery
} from './rest-tickers.ts'
import type { SymbolMarket } from './symbol-market.ts'
import type { SymbolSpec } from './symbols.ts'

export interface RestSource {
  readonly specs: ReadonlyMap<string, SymbolSpec>
  readonly markets: ReadonlyMap<string, SymbolMarket>
  readonly limits: ExchangeLimits
  /** Model time, µs. */
  nowUs(): number
  /** A recorded depth reply for the symbol; null to answer from the market. */
  recordedDepth(symbol: string): Uint8Array | null
}

export interface RestAnswer {
  readonly status: number
  readonly body: string | Uint8Array
}

interface Path {
  weight(parameters: RestParameters): number
  answer(source: RestSource, parameters: RestParameters, unit: TimeUnit): string | Uint8Array
}

const fixed = (weight: number) => (): number => weight

function history(answer: (query: HistoryQuery) => string): Path['answer'] {
  return (source, parameters, unit) => {
    const market = source.markets.get(parameters.required('symbol'))
    if (market === undefined) throw invalidSymbol()
    return answer({ market, parameters, unit, nowUs: source.nowUs() })
  }
}

function ticker(answer: (query: TickerQuery) => string): Path['answer'] {
  return (source, parameters, unit) =>
    answer({ markets: source.markets, parameters, unit, nowUs: source.nowUs() })
}

/** Number of symbols named; 0 for all. */
function symbolCount(parameters: RestParameters): number {
  if (parameters.text('symbol') !== undefined) return 1
  return parameters.list('symbols')?.length ?? 0
}

function depthWeight(parameters: RestParameters): number {
  const limit = parameters.limit(100, 5000)
  return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250
}

function dayTickerWeight(parameters: RestParameters): number {
  const count = symbolCount(parameters)
  return count === 0 || count > 100 ? 80 : count <= 20 ? 2 : 40
}

function depth(source: RestSource, parameters: RestParameters): string | Uint8Array {
  const symbol = parameters.required('symbol')
  const limit = parameters.limit(100, 5000)
  parameters.assertAllRead()
  if (!source.specs.has(symbol)) throw invalidSymbol()
  const recorded = source.recordedDepth(symbol)
  if (recorded !== null) return recorded
  const market = source.markets.get(symbol)
  if (market === undefined) throw invalidSymbol()
  return bookPayload(market, limit)
}

const PATHS = new Map<string, Path>([
  ['ping', { weight: fixed(1), answer: () => '{}' }],
  [
    'time',
    {
      weight: fixed(1),
      answer: (source, _parameters, unit) => `{"serverTime":${wireTime(source.nowUs(), unit)}}`
    }
  ],
  [
    'exchangeInfo',
    {
      weight: fixed(20),
      answer: (source, parameters, unit) =>
        exchangeInfoBody({
          specs: source.specs,
          parameters,
          limits: source.limits,
          serverTime: wireTime(source.nowUs(), unit)
        })
    }
  ],
  ['depth', { weight: depthWeight, answer: depth }],
  ['trades', { weight: fixed(25), answer: history(recentTrades) }],
  ['historicalTrades', { weight: fixed(25), answer: history(historicalTrades) }],
  ['aggTrades', { weight: fixed(4), answer: history(aggregateTrades) }],
  ['klines', { weight: fixed(2), answer: history(klines) }],
  ['uiKlines', { weight: fixed(2), answer: history(klines) }],
  ['avgPrice', { weight: fixed(2), answer: ticker(averagePrice) }],
  ['ticker/24hr', { weight: dayTickerWeight, answer: ticker(dayTicker) }],
  [
    'ticker/price',
    { weight: (query) => (symbolCount(query) === 1 ? 2 : 4), answer: ticker(priceTicker) }
  ],
  [
    'ticker/bookTicker',
    { weight: (query) => (symbolCount(query) === 1 ? 2 : 4), answer: ticker(bestTicker) }
  ],
  [
    'ticker',
    {
      weight: (query) => Math.min(200, 4 * Math.max(1, symbolCount(query))),
      answer: ticker(rollingTicker)
    }
  ]
])

const PREFIX = '/api/v3/'

export interface RestRequest {
  readonly path: string
  readonly query: string
  readonly timeUnit: string
}

/** Null for a path the exchange does not have. */
export function restWeight(request: RestRequest): number | null {
  const path = PATHS.get(request.path.slice(PREFIX.length))
  if (path === undefined || !request.path.startsWith(PREFIX)) return null
  try {
    return path.weight(new RestParameters(request.query))
  } catch {
    // A request that will be refused for its parameters costs the least.
    return 1
  }
}

export function answerRest(request: RestRequest, source: RestSource): RestAnswer {
  const path = PATHS.get(request.path.slice(PREFIX.length))
  if (path === undefined) return { status: 404, body: '<html><body>404 Not Found</body></html>' }
  try {
    const unit = timeUnit(request.timeUnit)
    const body = path.answer(source, new RestParameters(request.query), unit)
    return { status: 200, body }
  } catch (error) {
    if (!(error instanceof RestError)) throw error
    return { status: error.status, body: errorBody(error.code, error.message) }
  }
}

export function errorBody(code: number, message: string): string {
  return JSON.stringify({ code, msg: message })
}

function timeUnit(header: string): TimeUnit {
  const text = header.toUpperCase()
  if (text === '' || text === 'MILLISECOND') return 'ms'
  if (text === 'MICROSECOND') return 'us'
  throw new RestError(-1130, "Data sent for parameter 'X-MBX-TIME-UNIT' is not valid.")
}
