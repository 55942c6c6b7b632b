/** A kernel with its rings in hand: what the kernel's own tests and the fuzzer's comparison work with. */
import assert from 'node:assert/strict'
import { binanceFrameParser } from '../../src/adapters/binance/parse.ts'
import {
  DeadLetterReason,
  ENTRY_DEAD_LETTER,
  ENTRY_STREAM_DEFINITION
} from '../../src/model/record.ts'
import { createKernel, type Kernel, type KernelKind } from '../../src/native/kernel.ts'
import { PARSER_COUNTER_WORDS } from '../../src/ring/counters.ts'
import { EntryReader } from '../../src/ring/entry-reader.ts'
import { FrameWriter } from '../../src/ring/frame-writer.ts'
import {
  ACTIVITY_WORDS,
  RECORD_DETAIL,
  RECORD_HEADER_BYTES,
  RECORD_TYPE,
  RECORD_VALUE_BYTES,
  RING_KIND_FRAME,
  RING_KIND_RECORD
} from '../../src/ring/layout.ts'
import { createRing, Ring } from '../../src/ring/ring.ts'

export const KINDS: readonly KernelKind[] = ['native', 'twin']
export const RECEIVED_US = 1_789_964_483_700_001

export interface RigOptions {
  readonly frameBytes?: number
  readonly recordBytes?: number
  readonly streamsMax?: number
  readonly startCursor?: number
}

export interface FrameOptions {
  readonly stream?: string
  readonly source?: number
  readonly binary?: boolean
  readonly exchange?: number
  readonly receivedTimeUs?: number
  /** Larger frames are cut to it and flagged. */
  readonly bytesMax?: number
}

export class KernelRig {
  readonly frames: Ring
  readonly records: Ring
  readonly counters: Float64Array
  readonly activity: Float64Array
  kernel: Kernel
  private readonly kind: KernelKind
  private readonly memory: { counters: SharedArrayBuffer; activity: SharedArrayBuffer }
  private reader: EntryReader

  constructor(kind: KernelKind, options: RigOptions = {}) {
    const {
      frameBytes = 1 << 20,
      recordBytes = 1 << 20,
      streamsMax = 256,
      startCursor = 0
    } = options
    const open = (ringKind: number, capacityBytes: number): Ring =>
      new Ring(createRing({ capacityBytes, kind: ringKind, shard: 0, startCursor }), ringKind)
    this.kind = kind
    this.frames = open(RING_KIND_FRAME, frameBytes)
    this.records = open(RING_KIND_RECORD, recordBytes)
    this.memory = {
      counters: new SharedArrayBuffer(PARSER_COUNTER_WORDS * 8),
      activity: new SharedArrayBuffer(streamsMax * ACTIVITY_WORDS * 8)
    }
    this.counters = new Float64Array(this.memory.counters)
    this.activity = new Float64Array(this.memory.activity)
    this.kernel = this.attach(0)
    this.reader = new EntryReader(this.records, 0)
  }

  /** Another kernel on the same memory, as after a worker's death. */
  attach(epoch: number): Kernel {
    return createKernel(this.kind, {
      frameRing: this.frames.buffer,
      recordRing: this.records.buffer,
      counters: this.memory.counters,
      activity: this.memory.activity,
      exchanges: [
        { exchange: 'binance', profile: 'binance-spot' },
        { exchange: 'binance-us', profile: 'binance-spot' }
      ],
      epoch,
      parsers: { 'binance-spot': binanceFrameParser }
    })
  }

  /** False = the frame ring is full. */
  push(frame: string | Uint8Array, options: FrameOptions = {}): boolean {
    const writer = new FrameWriter(this.frames, 0, options.bytesMax ?? this.frames.capacity)
    const head = {
      connection: 1,
      exchange: options.exchange ?? 0,
      receivedTimeUs: options.receivedTimeUs ?? RECEIVED_US,
      binary: options.binary ?? false
    }
    const bytes = typeof frame === 'string' ? Buffer.from(frame) : frame
    return writer.tryWrite(bytes, head, options.source ?? 0, Buffer.from(options.stream ?? ''))
  }

  /** Entries in the record ring, whole; frees them. */
  take(): Buffer[] {
    const entries: Buffer[] = []
    this.reader.rewind()
    for (let offset = this.reader.peek(); offset !== -1; offset = this.reader.peek()) {
      const size = this.records.u32[offset >> 2] ?? 0
      entries.push(Buffer.from(this.records.bytes.subarray(offset, offset + size)))
      this.reader.advance(offset)
    }
    this.reader.release()
    return entries
  }

  /** One frame, and what became of it in words: records as text, `dead: reason`, or nothing. */
  outcome(frame: string | Uint8Array, options: FrameOptions = {}): string[] {
    assert.ok(this.push(frame, options), 'the frame ring is full')
    assert.equal(this.kernel.parse(1), 1)
    return this.take()
      .filter((entry) => typeOf(entry) !== ENTRY_STREAM_DEFINITION)
      .map(describe)
  }
}

export function typeOf(entry: Buffer): number {
  return entry.readUInt8(RECORD_TYPE)
}

export function textOf(entry: Buffer): string {
  const bytes = entry.readUInt32LE(RECORD_VALUE_BYTES)
  return entry.toString('utf8', RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + bytes)
}

export function reasonOf(entry: Buffer): string {
  const reason = entry.readUInt32LE(RECORD_DETAIL)
  return Object.entries(DeadLetterReason).find(([, number]) => number === reason)?.[0] ?? '?'
}

export function describe(entry: Buffer): string {
  return typeOf(entry) === ENTRY_DEAD_LETTER ? `dead: ${reasonOf(entry)}` : textOf(entry)
}

/** The native kernel and its twin side by side; every difference is an error. */
export class KernelPair {
  readonly native: KernelRig
  readonly twin: KernelRig

  constructor(options: RigOptions = {}) {
    this.native = new KernelRig('native', options)
    this.twin = new KernelRig('twin', options)
  }

  push(frame: string | Uint8Array, options: FrameOptions = {}): boolean {
    const pushed = this.native.push(frame, options)
    assert.equal(this.twin.push(frame, options), pushed)
    return pushed
  }

  /** Both consume the same frames and write the same bytes. Returns what they wrote. */
  parse(maxFrames: number): Buffer[] {
    const consumed = this.native.kernel.parse(maxFrames)
    assert.equal(this.twin.kernel.parse(maxFrames), consumed, 'frames consumed')
    assert.equal(this.twin.kernel.recordRingFull, this.native.kernel.recordRingFull, 'ring full')
    const written = this.native.take()
    assertSameEntries(written, this.twin.take())
    return written
  }

  assertSameCounters(): void {
    assert.deepEqual(this.twin.counters, this.native.counters, 'counters')
    assert.deepEqual(this.twin.activity, this.native.activity, 'activity')
  }
}

function assertSameEntries(native: readonly Buffer[], twin: readonly Buffer[]): void {
  if (Buffer.concat(native).equals(Buffer.concat(twin))) return
  const at = native.findIndex((entry, index) => !twin[index]?.equals(entry))
  const index = at < 0 ? native.length : at
  const say = (entry: Buffer | undefined): string =>
    entry === undefined ? 'nothing' : `${describe(entry)} ${entry.toString('hex', 0, 72)}`
  assert.fail(`entry ${index}: native ${say(native[index])}\ntwin ${say(twin[index])}`)
}
