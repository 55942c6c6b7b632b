/**
 * The two accounting identities, read from /metrics. Counters never replace the comparison by ids: they
 * must agree with it.
 */
import assert from 'node:assert/strict'
import { parseMetrics, sumOf } from './metrics.ts'
import { accountingFrom } from './metrics-identities.ts'
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

/** Read from the text of /metrics, by the published names. */
export async function readAccounting(service: Service): Promise<Accounting> {
  const samples = parseMetrics(await service.getText('/metrics'))
  const names = new Set(samples.map((sample) => sample.name))
  const read = (name: string, labels: Readonly<Record<string, string>> = {}): number => {
    // A term that is not published must not pass for one that is 0.
    if (!names.has(name)) throw new Error(`/metrics lacks ${name}: ${[...names].join(' ')}`)
    return sumOf(samples, name, labels)
  }
  const kafka = { sink: 'kafka' }
  return {
    frames: {
      received: read('sluice_frames_received_total'),
      parsed: read('sluice_frames_parsed_total'),
      ignored: read('sluice_frames_ignored_total'),
      deadLettered: sumOf(samples, 'sluice_dead_letters_total'),
      shed: sumOf(samples, 'sluice_shed_total'),
      inRing: read('sluice_frames_in_ring')
    },
    records: {
      emitted: read('sluice_records_emitted_total'),
      delivered: read('sluice_sink_delivered_total', kafka),
      deadLettered: read('sluice_sink_dead_lettered_total', kafka),
      deduplicated: read('sluice_sink_deduplicated_total', kafka),
      shed: read('sluice_sink_shed_total', kafka),
      spooled: read('sluice_sink_spooled', kafka),
      inFlight: read('sluice_sink_in_flight', kafka)
    }
  }
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
  // Read a second time, for each sink by itself, and what the status says.
  assert.equal(accountingFrom(await service.getText('/metrics')).balanced, true, text)
  const status = JSON.parse(await service.getText('/api/v1/status')) as Accounting
  assert.equal(status.records.delivered, records.delivered, `status: ${text}`)
  assert.equal(frameDebt(status), 0, `status: ${JSON.stringify(status.frames)}`)
}
