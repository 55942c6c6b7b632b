/**
 * Finds streams that should speak and do not. A stream is only suspected by its own pulse and only
 * convicted by the exchange itself: a REST answer shows it further on, and after a grace time the stream
 * still has not followed. A quiet stream is never convicted, because nothing at the exchange moved.
 */
import type { StreamActivity, StreamProbe, StreamSpec } from '../adapters/adapter.ts'
import type { Clock } from '../core/clock.ts'
import { asError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { TokenBucket } from '../core/token-bucket.ts'
import type { RunnerTuning } from './runner-config.ts'
import type { RunnerCounters } from './runner-counters.ts'
import { StreamPulse, type Suspicion } from './stream-pulse.ts'

export interface StaleWatchOptions {
  readonly clock: Clock
  readonly tuning: RunnerTuning
  readonly counters: RunnerCounters
  readonly logger: Logger
  readonly probeOf: (stream: StreamSpec) => StreamProbe | null
  readonly ask: (probe: StreamProbe) => Promise<Uint8Array>
  readonly activity: (streamName: string) => StreamActivity | undefined
  /** False while silence may be ours: not live, paused, or its parser is behind. */
  readonly isAudible: (stream: StreamSpec) => boolean
  /** Streams of one connection are asked about one at a time. */
  readonly groupOf: (stream: StreamSpec) => object | null
  readonly convicted: (stream: StreamSpec, suspicion: Suspicion) => void
}

interface Watched {
  readonly spec: StreamSpec
  pulse: StreamPulse
  sinceUs: number
  probing: boolean
  probeAtMs: number
  probeWaitMs: number
}

const PROBE_WAIT_MS = 5000
const PROBE_WAIT_MS_MAX = 300_000
const PROBES_AT_ONCE = 4

export class StaleWatch {
  private readonly options: StaleWatchOptions
  private readonly streams = new Map<string, Watched>()
  private readonly groups = new Set<object>()
  private readonly weight: TokenBucket
  private probes = 0
  private stopped = false

  constructor(options: StaleWatchOptions) {
    this.options = options
    const perMinute = options.tuning.probeWeightPerMinute
    const { clock } = options
    this.weight = new TokenBucket({ capacity: perMinute, refillPerSecond: perMinute / 60, clock })
  }

  add(spec: StreamSpec): void {
    const nowMs = this.options.clock.monotonicMs()
    this.streams.set(spec.name, {
      spec,
      pulse: new StreamPulse(nowMs),
      sinceUs: this.options.clock.wallUs(),
      probing: false,
      probeAtMs: nowMs,
      probeWaitMs: PROBE_WAIT_MS
    })
  }

  remove(name: string): void {
    this.streams.delete(name)
  }

  /** The stream's connection was replaced or has just become live. */
  reconnected(name: string): void {
    const watched = this.streams.get(name)
    if (watched === undefined) return
    watched.sinceUs = this.options.clock.wallUs()
    watched.pulse.reconnected(this.options.clock.monotonicMs())
  }

  stop(): void {
    this.stopped = true
    this.streams.clear()
  }

  pulse(name: string): StreamPulse | undefined {
    return this.streams.get(name)?.pulse
  }

  /** Samples every stream and questions the suspects, the busiest first. */
  tick(): void {
    const nowMs = this.options.clock.monotonicMs()
    const suspects: Watched[] = []
    for (const watched of this.streams.values()) {
      const { pulse, spec } = watched
      const spokeAtMs = pulse.lastSpokeAtMs
      pulse.observe(this.options.activity(spec.name), nowMs)
      if (pulse.lastSpokeAtMs !== spokeAtMs && !watched.probing) watched.probeWaitMs = PROBE_WAIT_MS
      if (watched.probing || nowMs < watched.probeAtMs) continue
      if (pulse.suspicion(nowMs, this.options.tuning) !== null) suspects.push(watched)
    }
    if (suspects.length === 0) return
    const rank = (watched: Watched): number => watched.pulse.meanGapMs ?? Number.POSITIVE_INFINITY
    suspects.sort((a, b) => rank(a) - rank(b))
    for (const watched of suspects) this.question(watched, nowMs)
  }

  private question(watched: Watched, nowMs: number): void {
    const { spec, pulse } = watched
    const { options } = this
    if (this.probes >= PROBES_AT_ONCE || !options.isAudible(spec)) return
    const group = options.groupOf(spec)
    const probe = options.probeOf(spec)
    if (group === null || this.groups.has(group) || probe === null) return
    const questions = probe.kind === 'change' ? 2 : 1
    if (!this.weight.tryTake(probe.weight * questions)) return
    const suspicion = pulse.suspicion(nowMs, options.tuning)
    watched.probing = true
    this.probes += 1
    this.groups.add(group)
    void this.examine(watched, probe, suspicion).then((isStale) => {
      watched.probing = false
      this.probes -= 1
      this.groups.delete(group)
      watched.probeAtMs = options.clock.monotonicMs() + watched.probeWaitMs
      watched.probeWaitMs = Math.min(PROBE_WAIT_MS_MAX, watched.probeWaitMs * 2)
      const isCurrent = this.streams.get(spec.name) === watched && options.groupOf(spec) === group
      if (!isStale || this.stopped || !isCurrent) return
      if (options.isAudible(spec)) options.convicted(spec, suspicion)
    })
  }

  /** Never rejects. */
  private async examine(
    watched: Watched,
    probe: StreamProbe,
    suspicion: Suspicion
  ): Promise<boolean> {
    const { counters, logger, clock } = this.options
    const { spec, sinceUs } = watched
    const before = this.options.activity(spec.name) ?? null
    try {
      const isAhead = await this.isExchangeAhead(
        probe,
        suspicion === 'mute' ? null : before,
        sinceUs
      )
      if (!isAhead) {
        counters.probes.fresh += 1
        return false
      }
    } catch (thrown) {
      counters.probes.failed += 1
      logger.warn('stale check failed', { stream: spec.name, error: asError(thrown).message })
      return false
    }
    // What the answer shows may have been on its way.
    await pause(clock, probe.graceMs)
    const after = this.options.activity(spec.name) ?? null
    if (hasFollowed(before, after, suspicion)) {
      counters.probes.recovered += 1
      return false
    }
    counters.probes.stale += 1
    return true
  }

  private async isExchangeAhead(
    probe: StreamProbe,
    seen: StreamActivity | null,
    sinceUs: number
  ): Promise<boolean> {
    const first = await this.options.ask(probe)
    if (probe.kind === 'position') return probe.isAhead(first, seen, sinceUs)
    await pause(this.options.clock, probe.graceMs)
    const earlier = probe.fingerprint(first)
    const later = probe.fingerprint(await this.options.ask(probe))
    return earlier !== null && later !== null && earlier !== later
  }
}

function hasFollowed(
  before: StreamActivity | null,
  after: StreamActivity | null,
  suspicion: Suspicion
): boolean {
  if (after === null) return false
  if (before === null) return after.records > 0
  if (suspicion === 'repeating') return after.advancedTimeUs !== before.advancedTimeUs
  return after.records !== before.records
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(resolve, ms)
  })
}
