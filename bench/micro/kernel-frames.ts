/** Frames for the kernel's benchmark, and the plain JavaScript that would normalise them. */
export type Subject = 'aggTrade' | 'trade' | 'depth'

const FIRST_US = 1_789_964_484_109_000

interface Wrapped {
  readonly data: Readonly<Record<string, unknown>>
}

function symbolOf(index: number): string {
  return `SYM${String(index % 50).padStart(2, '0')}USDT`
}

function levels(index: number, count: number): [string, string][] {
  return Array.from({ length: count }, (_, level) => [
    `${81000 + level}.${String((index * 7919) % 100).padStart(2, '0')}000000`,
    `${(index + level) % 9}.${String((level * 104729) % 100000).padStart(5, '0')}000`
  ])
}

/** A combined frame as the exchange sends it: 50 symbols in turn; a depth frame has 2 × 12 levels. */
export function frameText(subject: Subject, index: number): Buffer {
  const symbol = symbolOf(index)
  const E = Math.floor(FIRST_US / 1000) + index
  const price = `${81000 + (index % 1000)}.05000000`
  const quantity = `0.${String(index % 100000).padStart(5, '0')}000`
  const head = { e: subject === 'depth' ? 'depthUpdate' : subject, E, s: symbol }
  const stream = `${symbol.toLowerCase()}@${subject === 'depth' ? 'depth@100ms' : subject}`
  const maker = index % 2 === 0
  const body = {
    aggTrade: {
      a: 4068850947 + index,
      p: price,
      q: quantity,
      f: 6697971860 + index,
      l: 6697971861 + index,
      T: E - 1,
      m: maker,
      M: true
    },
    trade: { t: 6697971860 + index, p: price, q: quantity, T: E - 1, m: maker, M: true },
    depth: {
      U: 100401218098 + index,
      u: 100401218112 + index,
      b: levels(index, 12),
      a: levels(index, 12)
    }
  }[subject]
  return Buffer.from(JSON.stringify({ stream, data: { ...head, ...body } }))
}

/**
 * One object per frame, keys in the record contract's order, written out as literals: spreading a common
 * head would double the cost.
 */
export function normalise(subject: Subject, message: unknown, receivedTime: number): unknown {
  const { data } = message as Wrapped
  const symbol = data['s']
  const eventTime = Number(data['E']) * 1000
  switch (subject) {
    case 'aggTrade':
      return {
        v: 1,
        type: 'aggTrade',
        exchange: 'binance',
        symbol,
        eventTime,
        receivedTime,
        source: 'live',
        aggregateId: data['a'],
        firstTradeId: data['f'],
        lastTradeId: data['l'],
        price: data['p'],
        quantity: data['q'],
        tradeTime: Number(data['T']) * 1000,
        side: data['m'] === true ? 'sell' : 'buy'
      }
    case 'trade':
      return {
        v: 1,
        type: 'trade',
        exchange: 'binance',
        symbol,
        eventTime,
        receivedTime,
        source: 'live',
        tradeId: data['t'],
        price: data['p'],
        quantity: data['q'],
        tradeTime: Number(data['T']) * 1000,
        side: data['m'] === true ? 'sell' : 'buy'
      }
    case 'depth':
      return {
        v: 1,
        type: 'depth',
        exchange: 'binance',
        symbol,
        eventTime,
        receivedTime,
        source: 'live',
        firstUpdateId: data['U'],
        finalUpdateId: data['u'],
        bids: data['b'],
        asks: data['a']
      }
  }
}
