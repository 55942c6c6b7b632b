/**
 * The feeder of the end-to-end benchmarks, a process of its own. It serves the streams an adapter asks
 * for, waits for POST /feed/start, then sends: as fast as the sockets take it, or at a fixed rate.
 * GET /feed/status says how far it is. Every option has its default in `parseArgs` below.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { loadRecorded, SyntheticBatches } from './feed-frames.ts'
import { type FeedConnection, FeedServer } from './feed-server.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    symbols: { type: 'string', default: '' },
    messages: { type: 'string', default: '3000000' },
    rate: { type: 'string', default: '0' },
    recorded: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false }
  }
})

const ROUNDS_PER_BATCH = 8
const RECORDED_CHUNK_BYTES = 128 * 1024

const symbols = values.symbols.split(',').filter((symbol) => symbol !== '')
const messagesWanted = Number(values.messages)
const rate = Number(values.rate)

interface Progress {
  startedAt: number
  finishedAt: number
  sent: number
}
const progress: Progress = { startedAt: 0, finishedAt: 0, sent: 0 }

function send(connection: FeedConnection, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    if (connection.closed) reject(new Error('the connection was closed'))
    else connection.socket.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

function symbolsOf(connection: FeedConnection): string[] {
  return symbols.filter((symbol) => connection.streams.has(`${symbol.toLowerCase()}@aggTrade`))
}

/** Two buffers: one is being filled while the other is on its way. */
async function flood(connection: FeedConnection, rounds: number): Promise<void> {
  const batches = new SyntheticBatches(symbolsOf(connection), false)
  const buffers = [batches.allocate(ROUNDS_PER_BATCH), batches.allocate(ROUNDS_PER_BATCH)]
  const inFlight: Promise<void>[] = []
  for (let round = 0, turn = 0; round < rounds; round += ROUNDS_PER_BATCH, turn ^= 1) {
    await inFlight[turn]
    const count = Math.min(ROUNDS_PER_BATCH, rounds - round)
    const buffer = buffers[turn] ?? Buffer.alloc(0)
    inFlight[turn] = send(connection, batches.fill(buffer, round, count))
    progress.sent += count * batches.symbols
  }
  await Promise.all(inFlight)
}

/** One timer a millisecond; every turn sends the rounds that are due. */
async function pace(connection: FeedConnection, rounds: number): Promise<void> {
  const batches = new SyntheticBatches(symbolsOf(connection), true)
  const roundsPerSecond = rate / symbols.length
  const started = performance.now()
  for (let round = 0; round < rounds; ) {
    const due = Math.min(
      rounds,
      Math.floor(((performance.now() - started) / 1000) * roundsPerSecond)
    )
    if (due > round) {
      const count = due - round
      await send(connection, batches.fill(batches.allocate(count), round, count))
      progress.sent += count * batches.symbols
      round = due
    } else await sleep(1)
  }
}

/** Pre-rendered for one connection: what it subscribed, in recorded order, in large chunks. */
function recordedChunks(connection: FeedConnection): { bytes: Buffer; count: number }[] {
  const chunks: { bytes: Buffer; count: number }[] = []
  let pending: Buffer[] = []
  let bytes = 0
  const flush = () => {
    if (pending.length > 0) chunks.push({ bytes: Buffer.concat(pending), count: pending.length })
    pending = []
    bytes = 0
  }
  for (const frame of recordedFrames) {
    if (!connection.streams.has(frame.stream)) continue
    pending.push(frame.message)
    bytes += frame.message.length
    if (bytes >= RECORDED_CHUNK_BYTES) flush()
  }
  flush()
  return chunks
}

async function sendRecorded(
  connection: FeedConnection,
  chunks: readonly { bytes: Buffer; count: number }[]
): Promise<void> {
  for (const { bytes, count } of chunks) {
    await send(connection, bytes)
    progress.sent += count
  }
}

async function start(): Promise<void> {
  const connections = [...server.connections]
  const rounds = Math.floor(messagesWanted / symbols.length)
  const chunks = connections.map((connection) =>
    recordedFrames.length > 0 ? recordedChunks(connection) : []
  )
  progress.startedAt = Date.now()
  await Promise.all(
    connections.map((connection, index) => {
      if (recordedFrames.length > 0) return sendRecorded(connection, chunks[index] ?? [])
      return rate > 0 ? pace(connection, rounds) : flood(connection, rounds)
    })
  )
  progress.finishedAt = Date.now()
}

if (values.help) {
  console.log(
    'usage: feed.js --symbols A,B [--messages N] [--rate R] [--recorded FILE]… [--port P]'
  )
  process.exit(0)
}
const recordedFrames = values.recorded.length > 0 ? loadRecorded(values.recorded, symbols) : []
const server = new FeedServer({
  symbols,
  onStart: () => {
    start().catch((error: Error) => {
      process.stderr.write(`feed: ${error.message}\n`)
      process.exitCode = 1
    })
  },
  status: () => ({
    ...progress,
    connections: server.connections.length,
    streams: server.connections.reduce((sum, one) => sum + one.streams.size, 0),
    recordedFrames: recordedFrames.length
  })
})
console.log(JSON.stringify({ port: await server.listen(Number(values.port)) }))
// Its owner holds the other end of stdin: when that is gone, nobody needs the feed any more.
process.stdin.resume()
await Promise.race([once(process, 'SIGTERM'), once(process.stdin, 'end')])
process.exit()
