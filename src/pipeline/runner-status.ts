/** What a runner says of itself. */
import type { RestStatus } from '../transport/rest-client.ts'
import type { ConnectionSlot, SlotState } from './connection-slot.ts'

export type RunnerState = 'stopped' | 'loading' | 'running' | 'stopping' | 'failed'

export interface ConnectionStatus {
  readonly slot: number
  /** Number of the socket in frame entries; null while there is none. */
  readonly connection: number | null
  readonly shard: number
  readonly state: SlotState
  readonly ageMs: number | null
  readonly streams: number
  readonly frames: number
  readonly bytes: number
  readonly reconnects: number
  readonly pauses: number
  readonly pausedMs: number
  readonly waitingFrames: number
  /** Control messages without an answer. */
  readonly pendingRequests: number
  readonly lastError: string | null
}

export interface RunnerStatus {
  readonly exchange: string
  readonly state: RunnerState
  /** Why it is not running, or what keeps it from being whole; null when all is well. */
  readonly reason: string | null
  readonly streams: number
  readonly connections: readonly ConnectionStatus[]
  readonly connectionsByState: Readonly<Record<SlotState, number>>
  readonly dialsWaiting: number
  readonly rest: RestStatus
  readonly lastError: string | null
}

export function connectionStatus(slot: ConnectionSlot, nowMs: number): ConnectionStatus {
  const { lane, current } = slot
  const openedAtMs = current?.openedAtMs ?? null
  return {
    slot: slot.id,
    connection: current?.number ?? null,
    shard: lane.shard,
    state: slot.state,
    ageMs: openedAtMs === null ? null : Math.round(nowMs - openedAtMs),
    streams: slot.streams.size,
    frames: current?.frames ?? 0,
    bytes: current?.bytes ?? 0,
    reconnects: slot.reconnects,
    pauses: lane.pauses,
    pausedMs: Math.round(lane.pausedMs),
    waitingFrames: slot.waitingFrames,
    pendingRequests: current?.pendingRequests ?? 0,
    lastError: slot.lastError?.message ?? null
  }
}
