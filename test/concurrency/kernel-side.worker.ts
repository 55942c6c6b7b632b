/** A parser thread reduced to its kernel: parses until the ring is stopped and empty, or it is killed. */
import { workerData } from 'node:worker_threads'
import { binanceFrameParser } from '../../src/adapters/binance/parse.ts'
import { createKernel, type KernelKind } from '../../src/native/kernel.ts'
import { RING_KIND_FRAME } from '../../src/ring/layout.ts'
import { Ring } from '../../src/ring/ring.ts'

export interface KernelSideData {
  readonly kind: KernelKind
  readonly frameRing: SharedArrayBuffer
  readonly recordRing: SharedArrayBuffer
  readonly counters: SharedArrayBuffer
  readonly activity: SharedArrayBuffer
  readonly epoch: number
}

const data = workerData as KernelSideData
const frames = new Ring(data.frameRing, RING_KIND_FRAME)
const nap = new Int32Array(new SharedArrayBuffer(4))
const kernel = createKernel(data.kind, {
  ...data,
  exchanges: [{ exchange: 'binance', profile: 'binance-spot' }],
  parsers: { 'binance-spot': binanceFrameParser }
})
for (;;) {
  const taken = kernel.parse(64)
  if (taken < 0) throw new Error(`parse answered ${taken}`)
  if (taken > 0) continue
  if (frames.isEmpty() && frames.stopRequested()) break
  Atomics.wait(nap, 0, 0, 0.2)
}
