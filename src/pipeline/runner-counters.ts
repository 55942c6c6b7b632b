/** Counts of one exchange's connections, read at scrape. Main thread, plain numbers. */

import type { StreamSpec } from '../adapters/adapter.ts'

/** Why a connection that had been open was replaced. */
export type ReconnectReason =
  /** Closed by the server with a closing handshake. */
  | 'closed'
  /** Broken without one. */
  | 'reset'
  /** Ended at the age at which the exchange ends every connection. */
  | 'max_age'
  | 'server_shutdown'
  /** No frame and no ping for too long. */
  | 'idle'
  /** A stream fell silent, repeated itself or never spoke, and REST says that it should not. */
  | 'stale'
  /** A control message was not acknowledged and the listing did not show its effect. */
  | 'acknowledge'
  /** The ring had no room for too long. */
  | 'stalled'
  /** The bounded list behind a full ring was full as well. */
  | 'overflow'
  | 'restart'

export type GapReason =
  | ReconnectReason
  /** The adapter was stopped, and started again later. */
  | 'stopped'

export type ConnectResult = 'ok' | 'refused' | 'timeout' | 'rejected' | 'failed'
export type ProbeResult = 'fresh' | 'stale' | 'recovered' | 'failed'

export interface RunnerCounters {
  /** Every frame a socket handed over: those in the rings and those named below. */
  framesReceived: number
  bytesReceived: number
  /** Control frames that were dealt with here. */
  framesControl: number
  /** Frames a replaced connection had already brought. */
  framesDuplicate: number
  dials: number
  pings: number
  pongsSuppressed: number
  controlSent: number
  acknowledged: number
  acknowledgeLate: number
  controlErrors: number
  readonly connects: Record<ConnectResult, number>
  readonly reconnects: Record<ReconnectReason, number>
  /** Streams whose records of some time are missing, by reason; tickers and books included. */
  readonly gaps: Record<GapReason, number>
  readonly gapsByChannel: Map<string, number>
  readonly probes: Record<ProbeResult, number>
}

export function createRunnerCounters(): RunnerCounters {
  const reasons = (): Record<ReconnectReason, number> => ({
    closed: 0,
    reset: 0,
    max_age: 0,
    server_shutdown: 0,
    idle: 0,
    stale: 0,
    acknowledge: 0,
    stalled: 0,
    overflow: 0,
    restart: 0
  })
  return {
    framesReceived: 0,
    bytesReceived: 0,
    framesControl: 0,
    framesDuplicate: 0,
    dials: 0,
    pings: 0,
    pongsSuppressed: 0,
    controlSent: 0,
    acknowledged: 0,
    acknowledgeLate: 0,
    controlErrors: 0,
    connects: { ok: 0, refused: 0, timeout: 0, rejected: 0, failed: 0 },
    reconnects: reasons(),
    gaps: { ...reasons(), stopped: 0 },
    gapsByChannel: new Map(),
    probes: { fresh: 0, stale: 0, recovered: 0, failed: 0 }
  }
}

/** Streams the exchange spoke on while nobody listened. */
export function countGaps(
  counters: RunnerCounters,
  reason: GapReason,
  streams: Iterable<StreamSpec>
): void {
  const { gaps, gapsByChannel } = counters
  for (const { channel } of streams) {
    gaps[reason] += 1
    gapsByChannel.set(channel, (gapsByChannel.get(channel) ?? 0) + 1)
  }
}
