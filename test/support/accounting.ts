/**
 * The two identities of DESIGN 2.1, read from /metrics and /api/v1/status. Counters never replace the
 * comparison by ids: they must agree with it.
 */
import assert from 'node:assert/strict'
import { parseMetrics, type Sample, sumOf } from './metrics.ts'
import type { Service } from './service.ts'
import { waitFor } from './wait.ts'

export interface Accounting {
  readonly frames: {
    readonly received: number
    readonly parsed: number
    readonly ignored: number
    readonly deadLettered: number
    readonly shed: number
    readonly inRing: number
  }
  readonly records: {
    readonly emitted: number
    readonly delivered: number
    readonly deadLettered: number
    readonly deduplicated: number
    readonly shed: number
    readonly spooled: number
    readonly inFlight: number
  }
}

export async function readAccounting(service: Service): Promise<Accounting> {
  return JSON.parse(await service.getText('/api/v1/status')) as Accounting
}

export function frameDebt({ frames }: Accounting): number {
  const { received, parsed, ignored, deadLettered, shed, inRing } = frames
  return received - parsed - ignored - deadLettered - shed - inRing
}

export function recordDebt({ records }: Accounting): number {
  const { emitted, delivered, deadLettered, deduplicated, shed, spooled, inFlight } = records
  return emitted - delivered - deadLettered - deduplicated - shed - spooled - inFlight
}

export interface KnownByIds {
  readonly frames: number
  readonly records: number
  readonly deadLettered: number
}

/** Waits for rest, then asserts both identities and that they agree with what the ids said. */
export async function assertAccounting(service: Service, known: KnownByIds): Promise<void> {
  const accounting = await waitFor(
    async () => {
      const read = await readAccounting(service)
      const atRest = read.frames.inRing === 0 && read.records.inFlight === 0
      return atRest && read.records.delivered >= known.records ? read : null
    },
    { timeoutMs: 15_000, what: 'the service never came to rest', everyMs: 100 }
  ).catch(async (error: unknown) => {
    const read = JSON.stringify(await readAccounting(service))
    throw new Error(`${String(error)}\n${read}`)
  })
  const { frames, records } = accounting
  const text = JSON.stringify({ frames, records, known })
  assert.equal(frameDebt(accounting), 0, `frames identity: ${text}`)
  assert.equal(recordDebt(accounting), 0, `records identity: ${text}`)
  assert.equal(frames.shed + records.shed, 0, `nothing may be shed: ${text}`)
  assert.equal(frames.parsed + frames.deadLettered + frames.ignored >= known.frames, true, text)
  assert.equal(frames.deadLettered, known.deadLettered, `dead letters: ${text}`)
  assert.equal(records.delivered, known.records, `delivered: ${text}`)
  assertMetricsAgree(parseMetrics(await service.getText('/metrics')), accounting)
}

/** The same figures under their published names. */
function assertMetricsAgree(samples: readonly Sample[], accounting: Accounting): void {
  const { frames, records } = accounting
  const names = new Set(samples.map((sample) => sample.name))
  for (const name of ['sluice_frames_received_total', 'sluice_records_emitted_total']) {
    assert.ok(names.has(name), `/metrics lacks ${name}: ${[...names].join(' ')}`)
  }
  assert.equal(sumOf(samples, 'sluice_records_emitted_total'), records.emitted)
  assert.ok(sumOf(samples, 'sluice_frames_received_total') >= frames.received)
}
