/** What every sink shows to the rest of the service. Records reach it through the rings, not through here. */
import type { SinkStatus } from '../model/status.ts'

export interface Sink {
  readonly name: string
  status(): SinkStatus
  /**
   * Waits until nothing is in flight any more, at most `timeoutMs`; returns how many entries still are.
   * Never rejects.
   */
  drain(timeoutMs: number): Promise<number>
  /** Gives up what is in flight and frees everything. */
  close(): Promise<void>
}
