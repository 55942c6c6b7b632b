import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readCapture } from '../../src/capture/capture-reader.ts'
import { startSimulatedExchange } from '../../src/simulator/simulated-exchange.ts'
import { StreamClient } from '../support/stream-client.ts'

type Row = Record<string, unknown>

test('REST pages hold exactly the rows that the streams sent', async (t) => {
  const exchange = await startSimulatedExchange({ pace: 'manual', rate: 400 })
  t.after(() => exchange.close())
  const channels = ['trade', 'aggTrade', 'kline_1m', 'kline_1s', 'ticker', 'bookTicker']
  const streams = channels.map((channel) => `ethusdt@${channel}`)
  const client = await StreamClient.open(`${exchange.wsUrl}/stream?streams=${streams.join('/')}`)
  t.after(() => client.close())
  await exchange.advance(65_000)
  await client.sync()
  const sent = new Map<string, Row[]>(streams.map((stream) => [stream, []]))
  for (const text of client.texts) {
    const { stream, data } = JSON.parse(text) as { stream: string; data: Row }
    sent.get(stream)?.push(data)
  }
  const of = (channel: string): Row[] => sent.get(`ethusdt@${channel}`) ?? []
  const get = async (query: string): Promise<Row[]> =>
    (await (await fetch(`${exchange.restUrl}/api/v3/${query}`)).json()) as Row[]

  const aggregates = of('aggTrade')
  const page = await get(
    `aggTrades?symbol=ETHUSDT&fromId=${String(aggregates[0]?.['a'])}&limit=1000`
  )
  assert.ok(page.length > 500)
  assert.deepEqual(
    page,
    aggregates
      .slice(0, page.length)
      .map(({ a, p, q, f, l, T, m, M }) => ({ a, p, q, f, l, T, m, M }))
  )
  const trades = of('trade')
  const rows = await get(
    `historicalTrades?symbol=ETHUSDT&fromId=${String(trades[0]?.['t'])}&limit=1000`
  )
  assert.ok(rows.length > 500)
  for (const [index, row] of rows.entries()) {
    const trade = trades[index] as Row
    assert.deepEqual(
      [row['id'], row['price'], row['qty'], row['time'], row['isBuyerMaker']],
      [trade['t'], trade['p'], trade['q'], trade['T'], trade['m']]
    )
  }
  for (const interval of ['1m', '1s']) {
    const closed = of(`kline_${interval}`)
      .map((each) => each['k'] as Row)
      .filter((kline) => kline['x'] === true)
    const first = String(closed[0]?.['t'])
    const candles = (await get(
      `klines?symbol=ETHUSDT&interval=${interval}&startTime=${first}`
    )) as unknown as unknown[][]
    assert.deepEqual(
      candles.slice(0, closed.length),
      closed.map(({ t: open, o, h, l, c, v, T, q, n, V, Q }) => [
        open,
        o,
        h,
        l,
        c,
        v,
        T,
        q,
        n,
        V,
        Q,
        '0'
      ])
    )
  }
  const best = (await get('ticker/bookTicker?symbol=ETHUSDT')) as unknown as Row
  const quote = of('bookTicker').at(-1) as Row
  assert.deepEqual(
    [best['bidPrice'], best['bidQty'], best['askPrice'], best['askQty']],
    [quote['b'], quote['B'], quote['a'], quote['A']]
  )
  const day = (await get('ticker/24hr?symbol=ETHUSDT')) as unknown as Row
  const ticker = of('ticker').at(-1) as Row
  assert.deepEqual(
    [day['firstId'], day['lastId'], day['volume']],
    [ticker['F'], ticker['L'], ticker['v']]
  )
})

const RECORDINGS = process.env['SLUICE_RECORDINGS'] ?? join('..', 'shared', 'recordings')
const SERVED: readonly (readonly [string, number])[] = [
  ['spot_btcusdt_20240808.raw.gz', 41_248],
  ['cryptofeed/BINANCE_TR.ws.1.0.gz', 139],
  ['gct/spot_streams.ndjson', 22]
]
for (const [name, count] of SERVED) {
  const path = join(RECORDINGS, name)
  const skip = existsSync(path) ? false : `${path} is absent`
  test(`recording ${name} is served byte for byte to whoever subscribed`, { skip }, async (t) => {
    const exchange = await startSimulatedExchange({ recording: path })
    t.after(() => exchange.close())
    const truth = createHash('sha256')
    const streams = new Set<string>()
    for await (const captured of readCapture(path)) {
      if (captured.kind !== 'frame') continue
      truth.update(captured.data).update('\n')
      const { stream } = JSON.parse(Buffer.from(captured.data).toString()) as { stream: string }
      streams.add(stream)
    }
    const client = await StreamClient.open(
      `${exchange.wsUrl}/stream?streams=${[...streams].join('/')}`
    )
    t.after(() => client.close())
    const result = await exchange.play({ speed: 'max', atEnd: 'close', preload: true })
    await client.closed()
    const heard = createHash('sha256')
    for (const data of client.received) heard.update(data).update('\n')
    assert.deepEqual([client.received.length, result.sent], [count, count])
    assert.equal(heard.digest('hex'), truth.digest('hex'))
    t.diagnostic(`${Math.round(result.frames / result.seconds)} frames/s`)
    if (!name.startsWith('spot_')) return
    const depth = await fetch(`${exchange.restUrl}/api/v3/depth?symbol=BTCUSDT&limit=1000`)
    assert.match(await depth.text(), /^\{"lastUpdateId":50093239218,"bids":\[\["61837.63000000"/)
  })
}
