/** How often one stream speaks, learned from samples of its activity. Pure, on the monotonic clock. */
import type { StreamActivity } from '../adapters/adapter.ts'

/** The mean is over about this long. */
const MEMORY_MS = 300_000
/** Before this much is known, a stream is not called busy. */
const RECORDS_MIN = 10
const GAPS_FACTOR = 20

export type Suspicion = 'silent' | 'repeating' | 'mute' | null

export interface SuspicionLimits {
  readonly staleMs: number
  readonly muteMs: number
}

export class StreamPulse {
  private seen: StreamActivity | null = null
  /** Since when it is listened to on its present connection. */
  private sinceMs: number
  private spokeAtMs: number
  private advancedAtMs: number
  private weightedMs = 0
  private weightedRecords = 0
  private recordsTotal = 0
  private spokeSince = false

  constructor(nowMs: number) {
    this.sinceMs = nowMs
    this.spokeAtMs = nowMs
    this.advancedAtMs = nowMs
  }

  /** One sample. Undefined: no record of the stream was ever parsed. */
  observe(activity: StreamActivity | undefined, nowMs: number): void {
    if (activity === undefined) return
    const before = this.seen
    // The row belongs to the parser: a new parser counts from zero.
    const isNewCount = before === null || activity.records < before.records
    this.seen = activity
    const records = isNewCount ? activity.records : activity.records - before.records
    if (records > 0) this.spoke(records, nowMs)
    if (isNewCount || activity.advancedTimeUs !== before.advancedTimeUs) this.advancedAtMs = nowMs
  }

  /** Its connection was replaced: silence counts from now, what was learned stays. */
  reconnected(nowMs: number): void {
    this.sinceMs = nowMs
    this.spokeAtMs = nowMs
    this.advancedAtMs = nowMs
    this.spokeSince = false
  }

  /** Mean time between records, ms; null while too little is known. */
  get meanGapMs(): number | null {
    if (this.recordsTotal < RECORDS_MIN || this.weightedRecords === 0) return null
    return this.weightedMs / this.weightedRecords
  }

  get activity(): StreamActivity | null {
    return this.seen
  }

  get lastSpokeAtMs(): number {
    return this.spokeAtMs
  }

  suspicion(nowMs: number, limits: SuspicionLimits): Suspicion {
    const { meanGapMs } = this
    if (meanGapMs === null) {
      const isMute = !this.spokeSince && nowMs - this.sinceMs >= limits.muteMs
      return isMute ? 'mute' : null
    }
    const limitMs = Math.max(limits.staleMs, GAPS_FACTOR * meanGapMs)
    if (nowMs - this.spokeAtMs >= limitMs) return 'silent'
    return nowMs - this.advancedAtMs >= limitMs ? 'repeating' : null
  }

  private spoke(records: number, nowMs: number): void {
    const elapsedMs = nowMs - this.spokeAtMs
    // The first records after a connect say when it began, not how often they come.
    if (this.spokeSince) {
      const kept = Math.exp(-elapsedMs / MEMORY_MS)
      this.weightedMs = this.weightedMs * kept + elapsedMs
      this.weightedRecords = this.weightedRecords * kept + records
      this.recordsTotal += records
    }
    this.spokeSince = true
    this.spokeAtMs = nowMs
  }
}
