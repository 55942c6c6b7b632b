/** A thread with a kernel of its own: parses what it is told and answers with a digest of what it wrote. */
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { KernelRig } from './kernel-rig.ts'

const { symbol, frames } = workerData as { readonly symbol: string; readonly frames: number }
const rig = new KernelRig('native', { recordBytes: 1 << 16, frameBytes: 1 << 16 })
const hash = createHash('sha256')
let written = 0
for (let update = 0; update < frames; update++) {
  const frame = `{"u":${update},"s":"${symbol}","b":"1.5","B":"2","a":"3","A":"4"}`
  while (!rig.push(frame)) flush()
}
flush()
parentPort?.postMessage({ written, digest: hash.digest('hex') })

function flush(): void {
  while (rig.frames.usedBytes() > 0) {
    rig.kernel.parse(64)
    for (const entry of rig.take()) {
      hash.update(entry)
      written += 1
    }
  }
}
