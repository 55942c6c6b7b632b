/** Metrics of the data path: frames, records, rings, workers, and both accounting identities. */
import { DeadLetterReason, RecordType } from '../model/record.ts'
import {
  PARSER_BATCHES,
  PARSER_BUSY_US,
  PARSER_DEAD_LETTERS_BY_REASON,
  PARSER_EXCHANGE_LAG,
  PARSER_FRAMES_IGNORED,
  PARSER_FRAMES_PARSED,
  PARSER_IDLE_US,
  PARSER_RECORD_RING_FULL,
  PARSER_RECORDS_BY_TYPE,
  PARSER_RECORDS_EMITTED,
  PARSER_RECORDS_SUSPECT,
  PARSER_STREAMS_DEFINED
} from '../ring/counters.ts'
import { histogramAt } from '../ring/histogram.ts'
import { HISTOGRAM_WORDS } from '../ring/layout.ts'
import { each, histogramSamples, type Metric, one, type Sample, sumOfWord, word } from './metric.ts'
import type { Reading } from './metric-sources.ts'

const SECONDS = 1e-6

/** One sample per shard of a word of the parser blocks. */
const perShard =
  (index: number, factor = 1) =>
  ({ sources }: Reading): Sample[] =>
    sources.parserCounters.map((block, shard) => one(word(block, index) * factor, { shard }))

/** One sample for each name of a table whose numbers follow a first word. */
const perNumber =
  (table: Readonly<Record<string, number>>, first: number, label: string) =>
  ({ sources }: Reading): Sample[] =>
    Object.entries(table).map(([name, number]) =>
      one(sumOfWord(sources.parserCounters, first + number), { [label]: name })
    )

const FRAMES: readonly Metric[] = [
  {
    name: 'sluice_frames_received_total',
    help: 'Frames that arrived: at exchange sockets, or at the ingest listener.',
    type: 'counter',
    labels: ['exchange', 'via'],
    read: ({ adapters, ingest }) => [
      ...adapters.map((adapter) =>
        one(adapter.framesReceived, { exchange: adapter.exchange, via: 'socket' })
      ),
      ...ingest.received.map(({ exchange, frames }) => one(frames, { exchange, via: 'ingest' }))
    ]
  },
  {
    name: 'sluice_frame_bytes_received_total',
    help: 'Bytes of these frames.',
    type: 'counter',
    labels: ['exchange', 'via'],
    read: ({ adapters, ingest }) => [
      ...adapters.map((adapter) =>
        one(adapter.bytesReceived, { exchange: adapter.exchange, via: 'socket' })
      ),
      ...ingest.received.map(({ exchange, bytes }) => one(bytes, { exchange, via: 'ingest' }))
    ]
  },
  {
    name: 'sluice_frames_parsed_total',
    help: 'Frames that became records.',
    type: 'counter',
    labels: ['shard'],
    read: perShard(PARSER_FRAMES_PARSED)
  },
  {
    name: 'sluice_frames_ignored_total',
    help: 'Frames that carry no market data (control), or that another connection had brought (duplicate).',
    type: 'counter',
    labels: ['reason'],
    read: ({ adapters, sources }) => {
      const control = adapters.reduce((sum, adapter) => sum + adapter.framesControl, 0)
      const duplicate = adapters.reduce((sum, adapter) => sum + adapter.framesDuplicate, 0)
      const parsers = sumOfWord(sources.parserCounters, PARSER_FRAMES_IGNORED)
      return each({ control: control + parsers, duplicate }, 'reason')
    }
  },
  {
    name: 'sluice_dead_letters_total',
    help: 'Frames that could not be normalised, by reason.',
    type: 'counter',
    labels: ['reason'],
    read: perNumber(DeadLetterReason, PARSER_DEAD_LETTERS_BY_REASON, 'reason')
  },
  {
    name: 'sluice_shed_total',
    help: 'Frames given up, by reason: the list behind a full ring was full too, or the drain deadline passed. Else 0.',
    type: 'counter',
    labels: ['exchange', 'reason'],
    read: ({ adapters }) =>
      adapters.flatMap(({ exchange, framesShed }) => each(framesShed, 'reason', { exchange }))
  },
  {
    name: 'sluice_frames_in_ring',
    help: 'Frames received and not yet parsed: in a frame ring, or waiting for room in one.',
    type: 'gauge',
    labels: [],
    read: ({ frames }) => [one(frames.inRing)]
  }
]

const RECORDS: readonly Metric[] = [
  {
    name: 'sluice_records_emitted_total',
    help: 'Records the parsers emitted, by source.',
    type: 'counter',
    labels: ['source'],
    read: ({ sources }) => [
      one(sumOfWord(sources.parserCounters, PARSER_RECORDS_EMITTED), { source: 'live' })
    ]
  },
  {
    name: 'sluice_records_total',
    help: 'Records the parsers emitted, by type.',
    type: 'counter',
    labels: ['type'],
    read: perNumber(RecordType, PARSER_RECORDS_BY_TYPE, 'type')
  },
  {
    name: 'sluice_records_suspect_total',
    help: 'Records with a price, quantity or time that cannot be true; delivered unaltered.',
    type: 'counter',
    labels: [],
    read: ({ sources }) => [one(sumOfWord(sources.parserCounters, PARSER_RECORDS_SUSPECT))]
  },
  {
    name: 'sluice_exchange_lag_seconds',
    help: 'Event time at the exchange to receipt here; clocks differ, so below 0 counts as 0.',
    type: 'histogram',
    labels: ['exchange'],
    read: ({ sources }) =>
      sources.exchanges.flatMap((exchange, index) => {
        const start = PARSER_EXCHANGE_LAG + index * HISTOGRAM_WORDS
        const words = sources.parserCounters.map((block) => histogramAt(block, start))
        return histogramSamples('sluice_exchange_lag_seconds', words, { exchange })
      })
  },
  {
    name: 'sluice_symbol_records_total',
    help: 'Records by symbol; only with metrics.perSymbol, for configured symbols.',
    type: 'counter',
    labels: ['exchange', 'channel', 'symbol'],
    read: ({ symbols }) =>
      symbols.map(({ exchange, channel, symbol, records }) =>
        one(records, { exchange, channel, symbol })
      )
  }
]

const RINGS: readonly Metric[] = [
  {
    name: 'sluice_ring_used_bytes',
    help: 'Bytes in a ring.',
    type: 'gauge',
    labels: ['ring', 'shard'],
    read: ({ rings }) => rings.map(({ ring, shard, usedBytes }) => one(usedBytes, { ring, shard }))
  },
  {
    name: 'sluice_ring_capacity_bytes',
    help: 'Capacity of a ring.',
    type: 'gauge',
    labels: ['ring', 'shard'],
    read: ({ rings }) =>
      rings.map(({ ring, shard, capacityBytes }) => one(capacityBytes, { ring, shard }))
  },
  {
    name: 'sluice_ring_fill_ratio',
    help: 'Share of a ring in use, 0 to 1.',
    type: 'gauge',
    labels: ['ring', 'shard'],
    read: ({ rings }) =>
      rings.map(({ ring, shard, usedBytes, capacityBytes }) =>
        one(usedBytes / capacityBytes, { ring, shard })
      )
  },
  {
    name: 'sluice_record_ring_full_total',
    help: 'Parser batches that ended because the record ring had no room.',
    type: 'counter',
    labels: ['shard'],
    read: perShard(PARSER_RECORD_RING_FULL)
  },
  {
    name: 'sluice_parser_batches_total',
    help: 'Kernel calls that found frames.',
    type: 'counter',
    labels: ['shard'],
    read: perShard(PARSER_BATCHES)
  },
  {
    name: 'sluice_parser_busy_seconds_total',
    help: 'Time a parser worker spent in the kernel.',
    type: 'counter',
    labels: ['shard'],
    read: perShard(PARSER_BUSY_US, SECONDS)
  },
  {
    name: 'sluice_parser_idle_seconds_total',
    help: 'Time a parser worker slept.',
    type: 'counter',
    labels: ['shard'],
    read: perShard(PARSER_IDLE_US, SECONDS)
  },
  {
    name: 'sluice_streams_defined_total',
    help: 'Streams a parser has seen; a restarted parser sees them anew.',
    type: 'counter',
    labels: ['shard'],
    read: perShard(PARSER_STREAMS_DEFINED)
  }
]

const WORKERS: readonly Metric[] = [
  {
    name: 'sluice_worker_busy_ratio',
    help: 'Share of time a worker was busy since the last scrape, 0 to 1.',
    type: 'gauge',
    labels: ['worker'],
    read: ({ busy }) => [...busy].map(([worker, share]) => one(share, { worker }))
  },
  {
    name: 'sluice_worker_up',
    help: '1 while a worker runs.',
    type: 'gauge',
    labels: ['worker'],
    read: ({ workers }) =>
      workers.map(({ name, state }) => one(state === 'running' ? 1 : 0, { worker: name }))
  },
  {
    name: 'sluice_worker_restarts_total',
    help: 'Times a worker died and was replaced.',
    type: 'counter',
    labels: ['worker'],
    read: ({ workers }) => workers.map(({ name, restarts }) => one(restarts, { worker: name }))
  },
  {
    name: 'sluice_event_loop_lag_seconds',
    help: 'Delay of the main thread’s event loop since the last scrape.',
    type: 'gauge',
    labels: ['quantile'],
    read: ({ lag }) => each({ '0.5': lag.p50, '0.99': lag.p99, '1': lag.max }, 'quantile')
  }
]

export const FLOW_METRICS: readonly Metric[] = [...FRAMES, ...RECORDS, ...RINGS, ...WORKERS]
