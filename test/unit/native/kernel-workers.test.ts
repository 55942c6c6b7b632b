/** Several kernels in several workers at once, started, ended and started again. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { loadKernelAddon } from '../../../src/native/kernel.ts'

const WORKER_URL = new URL('../../support/kernel.worker.js', import.meta.url)
const FRAMES = 3000

interface Answer {
  readonly written: number
  readonly digest: string
}

async function run(symbol: string): Promise<Answer> {
  const worker = new Worker(WORKER_URL, { workerData: { symbol, frames: FRAMES } })
  const [answer] = (await once(worker, 'message')) as [Answer]
  await worker.terminate()
  return answer
}

test('kernels in four workers at once write what each would alone', async () => {
  loadKernelAddon()
  const symbols = ['AAA', 'BBB', 'CCC', 'AAA']
  const together = await Promise.all(symbols.map(run))
  const alone = await run('AAA')
  assert.deepEqual(together[0], alone)
  assert.deepEqual(together[3], alone)
  assert.notEqual(together[1]?.digest, alone.digest)
  assert.deepEqual(
    together.map(({ written }) => written),
    Array(4).fill(FRAMES + 1)
  )
})
