/**
 * The TypeScript kernel: the same frames give the same entries, counters and activity rows as in the native
 * one, byte for byte. The reference in tests, and the path for adapters without a native parser. It
 * commits after every frame where the native kernel commits in batches; nothing else differs.
 */
import { invariant, SluiceError } from '../core/errors.ts'
import type { FrameParser, FrameVerdict } from '../model/frame-parser.ts'
import { type DeadLetterReasonName, RecordSource, type RecordSourceName } from '../model/record.ts'
import { PARSER_BATCHES, PARSER_COUNTER_WORDS, PARSER_RECORD_RING_FULL } from '../ring/counters.ts'
import { EntryReader } from '../ring/entry-reader.ts'
import {
  ACTIVITY_WORDS,
  FRAME_EXCHANGE,
  FRAME_FLAG_BINARY,
  FRAME_FLAG_OVERSIZED,
  FRAME_FLAGS,
  FRAME_HEADER_BYTES,
  FRAME_NAME_BYTES,
  FRAME_ORIGINAL_BYTES,
  FRAME_PAYLOAD_BYTES,
  FRAME_RECEIVED_TIME,
  FRAME_SIZE,
  FRAME_SOURCE,
  RING_KIND_FRAME,
  RING_KIND_RECORD,
  STREAMS_MAX
} from '../ring/layout.ts'
import { Ring } from '../ring/ring.ts'
import { TwinCounters } from './kernel-twin-counters.ts'
import {
  deadLetterEntry,
  definitionEntry,
  recordEntry,
  type TwinEntry,
  type TwinFrame
} from './kernel-twin-entries.ts'
import { finishCommit, TwinStage } from './kernel-twin-stage.ts'
import type { Kernel, KernelOptions } from './kernel-types.ts'

const SOURCES = Object.keys(RecordSource) as RecordSourceName[]
export const PARSE_LOST_OWNERSHIP = -1
/** An entry of the frame ring contradicts its own sizes; only a bug of its writer can do that. */
export const PARSE_CORRUPT_RING = -2

type Step = 'taken' | 'full' | 'lost'

export class KernelTwin implements Kernel {
  recordRingFull = false
  private readonly frames: Ring
  private readonly view: DataView
  private readonly reader: EntryReader
  private readonly stage: TwinStage
  private readonly counters: TwinCounters
  private readonly words: Float64Array
  private readonly epoch: number
  private readonly exchanges: readonly { readonly name: string; readonly parser: FrameParser }[]
  /** Stream identity → index, in the order of definition. */
  private readonly streams = new Map<string, number>()
  private readonly streamsMax: number

  constructor(options: KernelOptions) {
    const { epoch } = options
    this.frames = new Ring(options.frameRing, RING_KIND_FRAME)
    const records = new Ring(options.recordRing, RING_KIND_RECORD)
    if (this.frames.consumerEpoch() !== epoch || records.producerEpoch() !== epoch) {
      throw new SluiceError(
        'SLUICE_RING_OWNERSHIP',
        'attaching kernel: another epoch owns the rings',
        {
          epoch
        }
      )
    }
    this.words = new Float64Array(options.counters)
    const activity = new Float64Array(options.activity)
    invariant(this.words.length >= PARSER_COUNTER_WORDS, 'attaching kernel: counters too short')
    invariant(activity.length >= ACTIVITY_WORDS, 'attaching kernel: activity too short')
    this.exchanges = options.exchanges.map(({ exchange, profile }) => {
      const parser = options.parsers?.[profile]
      invariant(parser !== undefined, `attaching kernel: no parser for profile ${profile}`)
      return { name: exchange, parser }
    })
    this.epoch = epoch
    this.view = new DataView(options.frameRing)
    finishCommit(this.frames, records)
    this.reader = new EntryReader(this.frames, epoch)
    this.stage = new TwinStage(this.frames, records, epoch)
    this.counters = new TwinCounters(this.words, activity)
    this.streamsMax = Math.min(STREAMS_MAX, Math.floor(activity.length / ACTIVITY_WORDS))
  }

  parse(maxFrames: number): number {
    this.recordRingFull = false
    if (!this.owns()) return PARSE_LOST_OWNERSHIP
    let consumed = 0
    while (consumed < maxFrames) {
      const offset = this.reader.peek()
      if (offset < 0) break
      if (!this.isSound(offset)) return PARSE_CORRUPT_RING
      const step = this.take(offset)
      if (step === 'lost') return PARSE_LOST_OWNERSHIP
      if (step === 'full') {
        this.recordRingFull = true
        break
      }
      consumed += 1
    }
    if (consumed > 0) this.counters.add(PARSER_BATCHES, 1)
    if (this.recordRingFull) this.counters.add(PARSER_RECORD_RING_FULL, 1)
    return consumed
  }

  private owns(): boolean {
    return this.frames.consumerEpoch() === this.epoch && this.stage.owns()
  }

  private isSound(offset: number): boolean {
    const size = this.view.getUint32(offset + FRAME_SIZE, true)
    const payload = this.view.getUint32(offset + FRAME_PAYLOAD_BYTES, true)
    const name = this.view.getUint32(offset + FRAME_NAME_BYTES, true)
    const fits = FRAME_HEADER_BYTES + payload + name <= size
    return (size & 7) === 0 && size <= this.frames.capacity >> 2 && fits
  }

  private take(offset: number): Step {
    const frame = this.readFrame(offset)
    const streamsBefore = this.streams.size
    let entries = this.entriesOf(frame)
    let reason: DeadLetterReasonName | null = typeof entries === 'string' ? entries : null
    if (typeof entries !== 'string' && !this.stage.canEverFit(entries)) reason = 'oversized'
    if (reason !== null) {
      this.forgetStreams(streamsBefore)
      entries = [deadLetterEntry(frame, reason, this.stage.valueBytesMax)]
    }
    if (!this.stage.write(entries as TwinEntry[])) {
      this.forgetStreams(streamsBefore)
      return 'full'
    }
    this.reader.advance(offset)
    if (!this.stage.commit(this.reader.cursor())) return 'lost'
    this.counters.countFrame(frame, entries as TwinEntry[], reason)
    return 'taken'
  }

  /** What becomes of a frame: its entries, none for a control message, or the reason it is refused. */
  private entriesOf(frame: TwinFrame): TwinEntry[] | DeadLetterReasonName {
    const verdict = this.judge(frame)
    if (verdict.kind === 'dead') return verdict.reason
    if (verdict.kind === 'ignored') {
      frame.isIgnored = true
      return []
    }
    const entries: TwinEntry[] = []
    let isTableFull = false
    for (const record of verdict.records) {
      const definition = definitionEntry(frame, record, this.streams.size)
      const identity = `${frame.exchange} ${definition.text}`
      let index = this.streams.get(identity)
      if (index === undefined) {
        if (this.streams.size >= this.streamsMax) {
          isTableFull = true
          continue
        }
        index = this.streams.size
        this.streams.set(identity, index)
        entries.push(definition)
      }
      entries.push(recordEntry(frame, record, index))
    }
    return isTableFull ? 'too_many_streams' : entries
  }

  private judge(frame: TwinFrame): FrameVerdict {
    if ((frame.flags & FRAME_FLAG_OVERSIZED) !== 0) return { kind: 'dead', reason: 'oversized' }
    if ((frame.flags & FRAME_FLAG_BINARY) !== 0) return { kind: 'dead', reason: 'binary' }
    const exchange = this.exchanges[frame.exchange]
    if (exchange === undefined) return { kind: 'dead', reason: 'unexpected_shape' }
    return exchange.parser.parse(frame)
  }

  private forgetStreams(count: number): void {
    if (this.streams.size === count) return
    const added = [...this.streams.keys()].slice(count)
    for (const identity of added) this.streams.delete(identity)
  }

  private readFrame(offset: number): TwinFrame {
    const { view } = this
    const payloadBytes = view.getUint32(offset + FRAME_PAYLOAD_BYTES, true)
    const nameBytes = view.getUint32(offset + FRAME_NAME_BYTES, true)
    const start = offset + FRAME_HEADER_BYTES
    // Copies: decoders take no shared memory, and the ring moves on.
    const bytes = Buffer.from(this.frames.bytes.subarray(start, start + payloadBytes + nameBytes))
    const received = view.getFloat64(offset + FRAME_RECEIVED_TIME, true)
    const exchange = view.getUint8(offset + FRAME_EXCHANGE)
    return {
      payload: bytes.subarray(0, payloadBytes),
      streamName: nameBytes === 0 ? null : bytes.toString('utf8', payloadBytes),
      originalBytes: view.getUint32(offset + FRAME_ORIGINAL_BYTES, true),
      // Exact below 2^53; anything else is no clock reading.
      receivedTimeUs: Math.abs(received) <= 2 ** 53 ? Math.trunc(received) + 0 : 0,
      flags: view.getUint16(offset + FRAME_FLAGS, true),
      exchange,
      exchangeName: this.exchanges[exchange]?.name ?? '',
      source: SOURCES[view.getUint8(offset + FRAME_SOURCE)] ?? 'live',
      isIgnored: false
    }
  }
}
