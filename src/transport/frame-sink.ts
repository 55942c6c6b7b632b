/** Where sockets put what they receive. Implemented over the frame ring; all calls on the main thread. */
export interface FrameMeta {
  /** Number of the connection, unique in the process. */
  readonly connection: number
  /** Index of the exchange in the service's list. */
  readonly exchange: number
  readonly receivedTimeUs: number
  /** A binary message. */
  readonly binary: boolean
  /** The stream's name when the frame is in raw form and does not carry it; null = combined form. */
  readonly streamName: string | null
}

export interface FrameSink {
  /** Number of shards (rings). One connection always feeds one shard. */
  readonly shards: number
  /**
   * Copies one frame into the shard's ring and wakes its parser at the end of the event-loop turn.
   * Returns false, having written nothing, when there is no room: the caller keeps the frame and pauses.
   */
  tryAccept(shard: number, frame: Uint8Array, meta: FrameMeta): boolean
  /** Bytes that can be written into the shard's ring now. */
  freeBytes(shard: number): number
  /** Capacity of one ring in bytes. */
  readonly ringBytes: number
}
