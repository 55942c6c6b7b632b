/** The same trouble is logged at most once per interval; the next line says how often it came meanwhile. */
import type { Clock } from '../core/clock.ts'
import type { LogFields, Logger } from '../core/logger.ts'

const INTERVAL_MS = 10_000
const KEYS_MAX = 1000

interface Seen {
  sinceMs: number
  suppressed: number
}

export class LogLimiter {
  private readonly logger: Logger
  private readonly clock: Clock
  private readonly intervalMs: number
  private readonly seen = new Map<string, Seen>()

  constructor(logger: Logger, clock: Clock, intervalMs = INTERVAL_MS) {
    this.logger = logger
    this.clock = clock
    this.intervalMs = intervalMs
  }

  /** @param key what makes two occurrences the same; a closed set, not a text from outside */
  warn(key: string, message: string, fields: LogFields = {}): void {
    const said = this.admit(key)
    if (said !== null) this.logger.warn(message, { ...fields, ...said })
  }

  error(key: string, message: string, fields: LogFields = {}): void {
    const said = this.admit(key)
    if (said !== null) this.logger.error(message, { ...fields, ...said })
  }

  private admit(key: string): LogFields | null {
    const now = this.clock.monotonicMs()
    const past = this.seen.get(key)
    if (past !== undefined && now - past.sinceMs < this.intervalMs) {
      past.suppressed += 1
      return null
    }
    if (past === undefined && this.seen.size >= KEYS_MAX) this.seen.clear()
    this.seen.set(key, { sinceMs: now, suppressed: 0 })
    return past === undefined || past.suppressed === 0 ? {} : { suppressed: past.suppressed }
  }
}
