/** What `/api/v1/status` answers and the demo draws: one reading of the whole service. */

export interface LatencyStatus {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly count: number
}

/** Terms of the frames identity: received = the sum of the others. */
export interface FrameAccounting {
  readonly received: number
  readonly parsed: number
  /** Control messages: acknowledgements, errors, shutdown notices. */
  readonly ignored: number
  readonly deadLettered: number
  readonly shed: number
  readonly inRing: number
}

/** Terms of a sink's records identity: emitted = the sum of the others, exact at rest. */
export interface RecordAccounting {
  readonly emitted: number
  readonly delivered: number
  readonly deadLettered: number
  readonly deduplicated: number
  readonly shed: number
  readonly spooled: number
  /** Not yet acknowledged: in a record ring, in the producer's hands, or waiting to be queued again. */
  readonly inFlight: number
  readonly byType: Readonly<Record<string, number>>
}

export interface RingStatus {
  readonly shard: number
  /** Share of the ring's bytes in use, 0..1. */
  readonly frameFill: number
  readonly recordFill: number
}

export interface WorkerStatusView {
  readonly name: string
  readonly state: string
  readonly epoch: number
  readonly restarts: number
  readonly lastError: string | null
  /** Share of wall time spent working since the start, 0..1. */
  readonly busy: number
}

export interface AdapterSummary {
  readonly name: string
  readonly exchange: string
  readonly state: string
  readonly streams: number
  readonly connections: { readonly open: number; readonly total: number }
  readonly lastError: string | null
}

export interface SinkStatus {
  readonly name: string
  readonly state: string
  /** Why it is not (fully) working, or what an operator should know. */
  readonly detail: string | null
  readonly queueMessages: number
  readonly queueBytes: number
}

export interface ServiceStatus {
  readonly version: string
  readonly state: 'starting' | 'running' | 'draining' | 'stopped'
  readonly uptimeSeconds: number
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly frames: FrameAccounting
  readonly records: RecordAccounting
  readonly latency: {
    readonly endToEnd: LatencyStatus
    readonly delivery: LatencyStatus
  }
  readonly rings: readonly RingStatus[]
  readonly workers: readonly WorkerStatusView[]
  readonly adapters: readonly AdapterSummary[]
  readonly sinks: readonly SinkStatus[]
}
