/**
 * The load generator: frames rendered once per stream and patched in place, sent in batches as fast as
 * the clients take them, or at a set rate. Ids go up by one per stream; the count is exact.
 */
import type { Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import type { Connection } from './connection.ts'
import { FrameTemplate } from './frame-template.ts'
import type { Journal } from './journal.ts'
import type { SymbolMarket } from './symbol-market.ts'
import { lowerAscii } from './symbols.ts'

export interface FloodOptions {
  /** Frames in all, shared out evenly over the connections. */
  readonly frames: number
  /** Begins when this many connections listen to an aggTrade or trade stream; 1 unless given. */
  readonly connections?: number
  /** Over all connections; as fast as they are taken unless given. */
  readonly framesPerSecond?: number
  /** What becomes of the connections afterwards; they stay open unless given. */
  readonly atEnd?: 'idle' | 'close'
}

export interface FloodResult {
  readonly frames: number
  readonly bytes: number
  /** From the first frame to the last one handed to the kernel. */
  readonly seconds: number
  /** False when a connection went away before it had its share. */
  readonly complete: boolean
}

/** First id of every stream of a flood: ten digits, so that a frame keeps its length. */
export const FLOOD_FIRST_ID = 4_000_000_001

const BURST_FRAMES = 256
const BUFFERED_BYTES_MAX = 512 * 1024
const PACE_MS = 1

interface Share {
  readonly connection: Connection
  readonly templates: readonly FrameTemplate[]
  next: number
  left: number
}

export interface FloodContext {
  readonly clock: Clock
  readonly journal: Journal
  readonly markets: ReadonlyMap<string, SymbolMarket>
  closed(): boolean
  connections(): readonly Connection[]
  noteSent(frames: number, bytes: number): void
}

export async function runFlood(options: FloodOptions, context: FloodContext): Promise<FloodResult> {
  const shares = await gather(options, context)
  const startMs = context.clock.monotonicMs()
  let sent = 0
  let bytes = 0
  while (shares.some((share) => share.left > 0 && share.connection.open)) {
    const allowed = allowance(options, sent, context.clock.monotonicMs() - startMs)
    const timeUs = context.clock.wallUs()
    let progress = 0
    for (const share of shares) {
      const count = Math.min(share.left, allowed - progress, BURST_FRAMES)
      if (count <= 0 || !share.connection.open) continue
      if (share.connection.bufferedBytes > BUFFERED_BYTES_MAX) continue
      bytes += burst(share, count, timeUs)
      progress += count
    }
    sent += progress
    await pause(progress, options, shares)
  }
  await settle(shares)
  const seconds = (context.clock.monotonicMs() - startMs) / 1000
  context.noteSent(sent, bytes)
  for (const share of shares) note(share, context.journal)
  if (options.atEnd === 'close') for (const { connection } of shares) connection.end(1000, '')
  return { frames: sent, bytes, seconds, complete: sent === options.frames }
}

/** Frames that may have been sent by now beyond those that were. */
function allowance(options: FloodOptions, sent: number, elapsedMs: number): number {
  if (options.framesPerSecond === undefined) return Number.POSITIVE_INFINITY
  return Math.floor((options.framesPerSecond * elapsedMs) / 1000) - sent
}

function burst(share: Share, count: number, timeUs: number): number {
  const { templates } = share
  let bytes = 0
  share.connection.sendBatch((socket) => {
    for (let index = 0; index < count; index++) {
      const template = templates[share.next] as FrameTemplate
      share.next = share.next + 1 === templates.length ? 0 : share.next + 1
      const frame = template.step(timeUs)
      socket.send(frame, false)
      bytes += frame.length
    }
  })
  share.left -= count
  return bytes
}

/** Lets the sockets work; sleeps when nobody can take more until a socket has drained. */
async function pause(
  progress: number,
  options: FloodOptions,
  shares: readonly Share[]
): Promise<void> {
  if (options.framesPerSecond !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, PACE_MS))
  } else if (progress > 0) {
    await new Promise((resolve) => setImmediate(resolve))
  } else {
    await new Promise<void>((resolve) => {
      // The timer covers a connection that dies without ever draining.
      const timer = setTimeout(resolve, 50)
      const wake = (): void => {
        clearTimeout(timer)
        resolve()
      }
      for (const { connection } of shares) connection.drained = wake
    })
  }
}

async function settle(shares: readonly Share[]): Promise<void> {
  while (shares.some(({ connection }) => connection.bufferedBytes > 0)) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (const { connection } of shares) connection.drained = null
}

async function gather(options: FloodOptions, context: FloodContext): Promise<Share[]> {
  const wanted = options.connections ?? 1
  if (!Number.isSafeInteger(options.frames) || options.frames < 1 || wanted < 1) {
    throw new SluiceError('SLUICE_USAGE', 'starting a flood: frames and connections are counts')
  }
  const byLowerName = new Map<string, SymbolMarket>()
  for (const [symbol, market] of context.markets) byLowerName.set(lowerAscii(symbol), market)
  while (!context.closed()) {
    const shares: Share[] = []
    for (const connection of context.connections()) {
      const templates = templatesOf(connection, byLowerName)
      if (templates.length > 0) shares.push({ connection, templates, next: 0, left: 0 })
    }
    if (shares.length >= wanted) {
      const chosen = shares.slice(0, wanted)
      for (const [index, share] of chosen.entries()) {
        share.left = Math.floor((options.frames + wanted - 1 - index) / wanted)
      }
      return chosen
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return []
}

function templatesOf(
  connection: Connection,
  markets: ReadonlyMap<string, SymbolMarket>
): FrameTemplate[] {
  const templates: FrameTemplate[] = []
  for (const stream of connection.streamNames) {
    const [symbol = '', channel = ''] = stream.split('@')
    const market = markets.get(symbol)
    if (market === undefined || (channel !== 'aggTrade' && channel !== 'trade')) continue
    templates.push(
      new FrameTemplate({
        stream,
        channel,
        spec: market.spec,
        combined: connection.combined,
        timeUnit: connection.timeUnit,
        firstId: FLOOD_FIRST_ID
      })
    )
  }
  return templates
}

function note(share: Share, journal: Journal): void {
  for (const template of share.templates) {
    if (template.count === 0) continue
    journal.sentRange({
      connection: share.connection.id,
      stream: template.stream,
      firstId: FLOOD_FIRST_ID,
      lastId: FLOOD_FIRST_ID + template.count - 1,
      count: template.count
    })
  }
}
