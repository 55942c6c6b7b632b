/**
 * The program a TypeScript user would write instead, for comparison only: ws, JSON.parse, and
 * kafka-javascript's producer, idempotent, lz4, a delivery report for every message. No validation, no
 * accounting, no recovery. BROKER, FEED and STREAMS are read from the environment; SIGTERM ends it.
 */
import kafka from '@confluentinc/kafka-javascript'
import WebSocket from 'ws'

const { BROKER = '', FEED = '', STREAMS = '' } = process.env

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
  const waiting = []

  function produce(d) {
    const value = Buffer.from(toRecord(d))
    producer.produce(`market.aggTrade.binance.${d.s}`, null, value, d.s, d.E)
  }

  function drainWaiting() {
    producer.poll()
    while (waiting.length > 0) {
      try {
        produce(waiting[0])
        waiting.shift()
      } catch {
        setTimeout(drainWaiting, 5)
        return
      }
    }
    socket.resume()
  }

  socket.on('message', (text) => {
    const { data } = JSON.parse(text)
    if (waiting.length > 0) {
      waiting.push(data)
      return
    }
    try {
      produce(data)
    } catch {
      // The producer's queue is full.
      waiting.push(data)
      socket.pause()
      setTimeout(drainWaiting, 5)
    }
  })
  socket.on('error', () => process.exit(1))
})

process.on('SIGTERM', () => {
  producer.flush(30_000, () => {
    process.stderr.write(`peer-node: delivered ${delivered}, failed ${failed}\n`)
    process.exit(0)
  })
})
