/**
 * What every pinned worker has in common, seen from the main thread: it attaches in time or has failed,
 * it runs until it is stopped or dies, and its successor starts only after its thread has really ended.
 */
import type { MessagePort } from 'node:worker_threads'
import { SluiceError } from '../core/errors.ts'
import type { FromWorker } from './messages.ts'

/** A thread that does not attach within this time counts as failed, ms. */
export const ATTACH_MS_MAX = 5000

export interface WorkerStatus {
  readonly name: string
  readonly state: 'starting' | 'running' | 'restarting' | 'stopped' | 'failed'
  readonly epoch: number
  readonly restarts: number
  readonly lastError: string | null
}

/** Resolves with the thread's id once it has attached; rejects on failure or after ATTACH_MS_MAX. */
export function waitForAttach(port: MessagePort, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      finish()
      reject(
        new SluiceError('SLUICE_THREAD_START', `starting ${name}: no sign of life`, {
          waitedMs: ATTACH_MS_MAX
        })
      )
    }, ATTACH_MS_MAX)
    const onMessage = (message: FromWorker): void => {
      if (message.kind === 'attached') {
        finish()
        resolve(message.threadId)
      } else if (message.kind === 'failed') {
        finish()
        reject(SluiceError.fromWire(message.error))
      }
    }
    const finish = (): void => {
      clearTimeout(timer)
      port.off('message', onMessage)
    }
    port.on('message', onMessage)
  })
}
