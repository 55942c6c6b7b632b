/**
 * Which stream lives in which row of the shards' activity tables. Fed by the in-band stream definitions,
 * read by the stale watchdog and the status page. Main thread.
 */
import type { StreamActivity } from '../adapters/adapter.ts'
import type { StreamDefinition } from '../model/subscription.ts'
import {
  ACTIVITY_ADVANCED,
  ACTIVITY_LAST_ID,
  ACTIVITY_RECEIVED,
  ACTIVITY_RECORDS,
  ACTIVITY_WORDS
} from '../ring/layout.ts'

interface Row {
  readonly shard: number
  readonly streamIndex: number
  readonly definition: StreamDefinition
}

export class StreamDirectory {
  private readonly tables: readonly Float64Array[]
  /** By shard, by stream index. A restarted parser defines its indexes anew. */
  private readonly rows: Row[][]
  private readonly byName = new Map<string, Set<Row>>()

  constructor(activity: readonly SharedArrayBuffer[]) {
    this.tables = activity.map((buffer) => new Float64Array(buffer))
    this.rows = activity.map(() => [])
  }

  define(shard: number, streamIndex: number, definition: StreamDefinition): void {
    const rows = this.rows[shard]
    if (rows === undefined) return
    const previous = rows[streamIndex]
    if (previous !== undefined) this.byName.get(keyOf(previous.definition))?.delete(previous)
    const row: Row = { shard, streamIndex, definition }
    rows[streamIndex] = row
    const key = keyOf(definition)
    const named = this.byName.get(key)
    if (named === undefined) this.byName.set(key, new Set([row]))
    else named.add(row)
  }

  /** Activity of one stream by exchange and stream name; undefined when it never spoke. */
  activity(exchange: string, stream: string): StreamActivity | undefined {
    const rows = this.byName.get(`${exchange} ${stream}`)
    if (rows === undefined || rows.size === 0) return undefined
    let records = 0
    let receivedTimeUs = 0
    let advancedTimeUs = 0
    let lastId = 0
    for (const { shard, streamIndex } of rows) {
      const table = this.tables[shard] as Float64Array
      const base = streamIndex * ACTIVITY_WORDS
      records += table[base + ACTIVITY_RECORDS] ?? 0
      receivedTimeUs = Math.max(receivedTimeUs, table[base + ACTIVITY_RECEIVED] ?? 0)
      advancedTimeUs = Math.max(advancedTimeUs, table[base + ACTIVITY_ADVANCED] ?? 0)
      lastId = Math.max(lastId, table[base + ACTIVITY_LAST_ID] ?? 0)
    }
    return { records, receivedTimeUs, advancedTimeUs, lastId }
  }

  /** Every stream that ever spoke, with its records since its parser attached. */
  list(): { readonly definition: StreamDefinition; readonly records: number }[] {
    return this.rows.flatMap((rows, shard) =>
      rows.map(({ definition, streamIndex }) => ({
        definition,
        records: this.tables[shard]?.[streamIndex * ACTIVITY_WORDS + ACTIVITY_RECORDS] ?? 0
      }))
    )
  }
}

function keyOf(definition: StreamDefinition): string {
  return `${definition.exchange} ${definition.stream ?? ''}`
}
