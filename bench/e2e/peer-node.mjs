/**
 * The program a TypeScript user would write instead, for comparison only: ws, JSON.parse, and
 * kafka-javascript's producer, idempotent, lz4, a delivery report for every message. No validation, no
 * accounting, no recovery. BROKER, FEED, STREAMS and EXPECTED (a count of messages) are read from the
 * environment; SIGTERM ends it. It tells its parent when that many are delivered.
 *
 * The package hands over at most 100 reports in one turn of the event loop, so reports lag behind a fast
 * socket without bound. As a careful user would, it stops reading while too many are outstanding.
 */
import kafka from '@confluentinc/kafka-javascript'
import WebSocket from 'ws'

const { BROKER = '', FEED = '', STREAMS = '', EXPECTED = '0' } = process.env
const OUTSTANDING_MAX = 50_000

let produced = 0
let delivered = 0
let failed = 0
const producer = new kafka.Producer({
  'bootstrap.servers': BROKER,
  'enable.idempotence': true,
  'compression.codec': 'lz4',
  'linger.ms': 5,
  'batch.num.messages': 10_000,
  'queue.buffering.max.messages': 500_000,
  dr_cb: true
})
producer.setPollInterval(10)
producer.on('delivery-report', (error) => {
  if (error) failed++
  else delivered++
  if (delivered === Number(EXPECTED)) process.send?.({ delivered })
})
producer.on('event.error', (error) => {
  process.stderr.write(`peer-node: ${error.message}\n`)
})

function toRecord(d) {
  return (
    `{"v":1,"type":"aggTrade","exchange":"binance","symbol":"${d.s}","eventTime":${d.E * 1000},` +
    `"receivedTime":${Date.now() * 1000},"source":"live","aggregateId":${d.a},` +
    `"firstTradeId":${d.f},"lastTradeId":${d.l},"price":"${d.p}","quantity":"${d.q}",` +
    `"tradeTime":${d.T * 1000},"side":"${d.m ? 'sell' : 'buy'}"}`
  )
}

producer.connect({}, (error) => {
  if (error) throw error
  const socket = new WebSocket(`${FEED}/stream?streams=${STREAMS}`, { perMessageDeflate: false })
  // What a paused socket still hands over, and what the producer's full queue refused.
  const waiting = []

  function tryProduce(d) {
    if (produced - delivered - failed >= OUTSTANDING_MAX) return false
    try {
      const value = Buffer.from(toRecord(d))
      producer.produce(`market.aggTrade.binance.${d.s}`, null, value, d.s, d.E)
      produced++
      return true
    } catch {
      return false
    }
  }

  function drainWaiting() {
    producer.poll()
    let done = 0
    while (done < waiting.length && tryProduce(waiting[done])) done++
    waiting.splice(0, done)
    if (waiting.length > 0) setTimeout(drainWaiting, 2)
    else socket.resume()
  }

  socket.on('message', (text) => {
    const { data } = JSON.parse(text)
    if (waiting.length === 0 && tryProduce(data)) return
    waiting.push(data)
    if (waiting.length > 1) return
    socket.pause()
    setTimeout(drainWaiting, 2)
  })
  socket.on('error', () => process.exit(1))
})

process.on('SIGTERM', () => {
  producer.flush(30_000, () => {
    process.stderr.write(`peer-node: delivered ${delivered}, failed ${failed}\n`)
    process.exit(0)
  })
})
