/** Waiting for a condition, with a deadline whose error says what was missing. */
import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  readonly timeoutMs: number
  readonly everyMs?: number
  readonly what: string | (() => string)
}

/** Resolves with the first value that is neither undefined, null nor false. */
export async function waitFor<T>(
  read: () => T | Promise<T>,
  options: WaitOptions
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + options.timeoutMs
  for (;;) {
    const value = await read()
    if (value !== undefined && value !== null && value !== false) {
      return value as NonNullable<Exclude<T, false>>
    }
    if (performance.now() >= deadline) {
      const what = typeof options.what === 'string' ? options.what : options.what()
      throw new Error(`after ${options.timeoutMs} ms: ${what}`)
    }
    await delay(options.everyMs ?? 25)
  }
}

export { delay }
