/** The instruments of the simulated exchange: names, tick and step sizes, starting prices. */
import { SluiceError } from '../core/errors.ts'
import { createPrng } from '../core/prng.ts'

export interface SymbolSpec {
  readonly symbol: string
  readonly baseAsset: string
  readonly quoteAsset: string
  /** Decimals of a price; with `stepDecimals` at most 8, so that price × quantity is exact on the wire. */
  readonly tickDecimals: number
  readonly stepDecimals: number
  readonly startTicks: number
  /** Typical quantity of one order, in steps. */
  readonly typicalSteps: number
  /** Share of the overall trade rate, relative to the other symbols. */
  readonly weight: number
}

type Row = readonly [string, string, number, number, number, number, number]

const KNOWN: readonly Row[] = [
  ['BTC', 'USDT', 2, 5, 8125005, 20000, 8],
  ['ETH', 'USDT', 2, 4, 298412, 8000, 6],
  ['BNB', 'USDT', 2, 3, 92714, 900, 3],
  ['SOL', 'USDT', 2, 3, 17633, 4000, 4],
  ['XRP', 'USDT', 4, 1, 24417, 9000, 3],
  ['DOGE', 'USDT', 5, 0, 18923, 4000, 3],
  ['ADA', 'USDT', 4, 1, 6141, 9000, 2],
  ['这是测试币', '456', 4, 1, 4560, 700, 1],
  ['LTC', 'BTC', 6, 2, 1174, 300, 1],
  ['ETH', 'BTC', 5, 3, 3672, 400, 1],
  ['TRX', 'USDT', 4, 1, 3122, 9000, 2],
  ['LINK', 'USDT', 2, 2, 1892, 2000, 2],
  ['AVAX', 'USDT', 2, 2, 2433, 2000, 2],
  ['DOT', 'USDT', 3, 2, 4121, 3000, 1],
  ['LTC', 'USDT', 2, 3, 9644, 900, 1],
  ['PEPE', 'USDT', 8, 0, 1127, 90000000, 2]
]
const QUOTES = ['USDT', 'USDC', 'FDUSD', 'BTC', 'ETH', 'BNB', 'EUR', 'TRY', 'BRL', 'USD']

function fromRow(row: Row): SymbolSpec {
  const [baseAsset, quoteAsset, tickDecimals, stepDecimals, startTicks, typicalSteps, weight] = row
  return {
    symbol: `${baseAsset}${quoteAsset}`,
    baseAsset,
    quoteAsset,
    tickDecimals,
    stepDecimals,
    startTicks,
    typicalSteps,
    weight
  }
}

/** A made-up instrument: the same name always gets the same price. */
function invent(symbol: string): SymbolSpec {
  const prng = createPrng(1).fork(symbol)
  const quote = QUOTES.find((asset) => symbol.length > asset.length && symbol.endsWith(asset))
  return fromRow([
    quote === undefined ? symbol : symbol.slice(0, -quote.length),
    quote ?? '',
    4,
    2,
    2000 + prng.int(900000),
    500 + prng.int(5000),
    1
  ])
}

/** ASCII letters only: names beyond ASCII have no case on the exchange. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/**
 * Specifications for the named symbols, or for the first `count`: the well-known ones, then invented.
 * @throws SLUICE_USAGE for a name the exchange could not list
 */
export function symbolSpecs(wanted: readonly string[] | number): SymbolSpec[] {
  const known = KNOWN.map(fromRow)
  if (typeof wanted === 'number') {
    const specs = known.slice(0, wanted)
    for (let index = specs.length; index < wanted; index++) {
      specs.push(invent(`SIM${String(index).padStart(3, '0')}USDT`))
    }
    return specs
  }
  const unique = [...new Set(wanted)]
  return unique.map((symbol) => {
    if (!/^[^\s"\\/@!,?#&\p{Cc}a-z]{1,64}$/u.test(symbol)) {
      throw new SluiceError('SLUICE_USAGE', `listing symbols: not a symbol: ${symbol}`, { symbol })
    }
    return known.find((spec) => spec.symbol === symbol) ?? fixName(symbol)
  })
}

/** An invented symbol keeps the name it was given, whatever its quote asset. */
function fixName(symbol: string): SymbolSpec {
  return { ...invent(symbol), symbol }
}
