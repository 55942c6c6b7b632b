/** Counters and activity rows of the TypeScript kernel; this thread is their only writer. */
import {
  DeadLetterReason,
  type DeadLetterReasonName,
  ENTRY_STREAM_DEFINITION
} from '../model/record.ts'
import {
  PARSER_BYTES_CONSUMED,
  PARSER_DEAD_LETTERS_BY_REASON,
  PARSER_EXCHANGE_LAG,
  PARSER_FRAMES_CONSUMED,
  PARSER_FRAMES_DEAD_LETTERED,
  PARSER_FRAMES_IGNORED,
  PARSER_FRAMES_PARSED,
  PARSER_RECORDS_BY_TYPE,
  PARSER_RECORDS_EMITTED,
  PARSER_RECORDS_SUSPECT,
  PARSER_STREAMS_DEFINED
} from '../ring/counters.ts'
import { histogramAt, recordHistogram } from '../ring/histogram.ts'
import {
  ACTIVITY_ADVANCED,
  ACTIVITY_LAST_ID,
  ACTIVITY_RECEIVED,
  ACTIVITY_RECORDS,
  ACTIVITY_WORDS,
  HISTOGRAM_WORDS
} from '../ring/layout.ts'
import type { TwinEffect, TwinEntry, TwinFrame } from './kernel-twin-entries.ts'

export class TwinCounters {
  private readonly words: Float64Array
  private readonly activity: Float64Array

  constructor(words: Float64Array, activity: Float64Array) {
    this.words = words
    this.activity = activity
  }

  add(word: number, amount: number): void {
    this.words[word] = (this.words[word] ?? 0) + amount
  }

  /** After the frame's entries became visible. */
  countFrame(
    frame: TwinFrame,
    entries: readonly TwinEntry[],
    reason: DeadLetterReasonName | null
  ): void {
    this.add(PARSER_FRAMES_CONSUMED, 1)
    this.add(PARSER_BYTES_CONSUMED, frame.payload.length)
    if (reason !== null) {
      this.add(PARSER_FRAMES_DEAD_LETTERED, 1)
      this.add(PARSER_DEAD_LETTERS_BY_REASON + DeadLetterReason[reason], 1)
    } else {
      this.add(frame.isIgnored ? PARSER_FRAMES_IGNORED : PARSER_FRAMES_PARSED, 1)
    }
    for (const entry of entries) this.countEntry(frame, entry)
  }

  private countEntry(frame: TwinFrame, entry: TwinEntry): void {
    this.add(PARSER_RECORDS_BY_TYPE + entry.type, 1)
    const row = entry.streamIndex * ACTIVITY_WORDS
    if (entry.type === ENTRY_STREAM_DEFINITION) {
      this.add(PARSER_STREAMS_DEFINED, 1)
      this.activity.fill(0, row, row + ACTIVITY_WORDS)
    }
    if (entry.effect !== null) this.countRecord(frame, row, entry.effect)
  }

  private countRecord(frame: TwinFrame, row: number, effect: TwinEffect): void {
    const { activity } = this
    this.add(PARSER_RECORDS_EMITTED, 1)
    if (effect.isSuspect) this.add(PARSER_RECORDS_SUSPECT, 1)
    const records = activity[row + ACTIVITY_RECORDS] ?? 0
    // The first record of a stream always counts as progress.
    if (records === 0 || effect.mark > (activity[row + ACTIVITY_LAST_ID] ?? 0)) {
      activity[row + ACTIVITY_ADVANCED] = frame.receivedTimeUs
    }
    activity[row + ACTIVITY_RECORDS] = records + 1
    activity[row + ACTIVITY_RECEIVED] = frame.receivedTimeUs
    activity[row + ACTIVITY_LAST_ID] = effect.mark
    if (effect.lagUs === null) return
    const at = PARSER_EXCHANGE_LAG + frame.exchange * HISTOGRAM_WORDS
    recordHistogram(histogramAt(this.words, at), effect.lagUs)
  }
}
