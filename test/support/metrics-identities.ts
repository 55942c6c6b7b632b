/** The two accounting identities, read back from the text of `/metrics`. */
import type { FrameAccounting, RecordAccounting } from '../../src/model/status.ts'

export type SinkTerms = Omit<RecordAccounting, 'byType'>

export interface AccountingReport {
  readonly frames: FrameAccounting
  /** received − the other terms; 0 when the identity holds. */
  readonly framesDifference: number
  readonly records: Readonly<Record<string, SinkTerms>>
  /** By sink: emitted − the other terms; 0 when the identity holds. */
  readonly recordsDifference: Readonly<Record<string, number>>
  readonly balanced: boolean
}

interface Line {
  readonly name: string
  readonly labels: string
  readonly value: number
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$/

function linesOf(metricsText: string): Line[] {
  return metricsText.split('\n').flatMap((text) => {
    const match = text.startsWith('#') ? null : LINE.exec(text)
    if (match === null) return []
    return [{ name: match[1] ?? '', labels: match[2] ?? '', value: Number(match[3]) }]
  })
}

export function accountingFrom(metricsText: string): AccountingReport {
  const lines = linesOf(metricsText)
  const sum = (name: string, sink?: string): number => {
    const label = sink === undefined ? null : `sink="${sink}"`
    return lines
      .filter((line) => line.name === name && (label === null || line.labels.includes(label)))
      .reduce((total, line) => total + line.value, 0)
  }
  const frames: FrameAccounting = {
    received: sum('sluice_frames_received_total'),
    parsed: sum('sluice_frames_parsed_total'),
    ignored: sum('sluice_frames_ignored_total'),
    deadLettered: sum('sluice_dead_letters_total'),
    shed: sum('sluice_shed_total'),
    inRing: sum('sluice_frames_in_ring')
  }
  const { received, parsed, ignored, deadLettered, shed, inRing } = frames
  const framesDifference = received - parsed - ignored - deadLettered - shed - inRing
  const records: Record<string, SinkTerms> = {}
  const recordsDifference: Record<string, number> = {}
  for (const sink of sinksOf(lines)) {
    const terms: SinkTerms = {
      emitted: sum('sluice_records_emitted_total'),
      delivered: sum('sluice_sink_delivered_total', sink),
      deadLettered: sum('sluice_sink_dead_lettered_total', sink),
      deduplicated: sum('sluice_sink_deduplicated_total', sink),
      shed: sum('sluice_sink_shed_total', sink),
      spooled: sum('sluice_sink_spooled', sink),
      inFlight: sum('sluice_sink_in_flight', sink)
    }
    const { emitted, ...others } = terms
    records[sink] = terms
    recordsDifference[sink] = Object.values(others).reduce((rest, term) => rest - term, emitted)
  }
  const differences = [framesDifference, ...Object.values(recordsDifference)]
  // A text without the metrics must not pass for one whose sums agree.
  const present = lines.some((line) => line.name === 'sluice_frames_received_total')
  const balanced = present && differences.length > 1 && differences.every((one) => one === 0)
  return { frames, framesDifference, records, recordsDifference, balanced }
}

function sinksOf(lines: readonly Line[]): string[] {
  const labels = lines
    .filter((line) => line.name === 'sluice_sink_delivered_total')
    .map((line) => /sink="([^"]*)"/.exec(line.labels)?.[1])
  return [...new Set(labels.filter((label) => label !== undefined))]
}
