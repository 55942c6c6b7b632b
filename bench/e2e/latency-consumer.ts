/**
 * Reads aggTrade records as they become readable and compares the clock with the sending time, which
 * the feeder put into the quantity's decimals: µs modulo 10^8. Both run on one machine and one clock.
 * Arguments: BROKER TOPIC,TOPIC… Prints "ready", then, for a line on stdin, the quantiles as JSON.
 */
import { once } from 'node:events'
import kafka from '@confluentinc/kafka-javascript'

const MODULUS = 100_000_000
const MARK = Buffer.from('"quantity":"')
/** Left out at the beginning: connections and compilers warm up. */
const WARM_UP_MS = 3000

const [broker = '', topicList = ''] = process.argv.slice(2)
const latenciesUs: number[] = []
let firstAt = 0

function onRecord(value: Buffer): void {
  const nowUs = Math.round((performance.timeOrigin + performance.now()) * 1000)
  if (firstAt === 0) firstAt = nowUs
  if (nowUs - firstAt < WARM_UP_MS * 1000) return
  const start = value.indexOf(MARK) + MARK.length + 2
  let stamp = 0
  for (let index = start; index < start + 8; index++) {
    stamp = stamp * 10 + (value[index] ?? 48) - 48
  }
  latenciesUs.push(((nowUs % MODULUS) - stamp + MODULUS) % MODULUS)
}

function quantileMs(quantile: number): number {
  const index = Math.min(latenciesUs.length - 1, Math.floor(latenciesUs.length * quantile))
  return (latenciesUs[index] ?? Number.NaN) / 1000
}

const consumer = new kafka.KafkaConsumer(
  {
    'bootstrap.servers': broker,
    'group.id': `bench-${process.pid}`,
    'enable.auto.commit': false,
    'fetch.wait.max.ms': 100,
    'fetch.queue.backoff.ms': 10
  },
  { 'auto.offset.reset': 'earliest' }
)
consumer.on('data', (message) => {
  if (message.value !== null) onRecord(message.value)
})
await new Promise<void>((resolve, reject) => {
  consumer.connect({}, (error) => (error ? reject(error) : resolve()))
})
consumer.assign(topicList.split(',').map((topic) => ({ topic, partition: 0, offset: 0 })))
consumer.consume()
console.log('ready')
process.stdin.once('end', () => process.exit())
await once(process.stdin, 'data')
latenciesUs.sort((a, b) => a - b)
console.log(JSON.stringify({ p50Ms: quantileMs(0.5), p99Ms: quantileMs(0.99) }))
