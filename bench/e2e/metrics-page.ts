/** Reads quantiles off a Prometheus histogram on a /metrics page. */
import type { Quantiles } from './latency-reader.ts'

const HISTOGRAM = 'sluice_end_to_end_latency_seconds'

function bucketsOf(page: string): Map<number, number> {
  const buckets = new Map<number, number>()
  const pattern = new RegExp(`^${HISTOGRAM}_bucket\\{([^}]*)\\} (\\S+)$`, 'gm')
  for (const match of page.matchAll(pattern)) {
    const bound = /le="([^"]+)"/.exec(match[1] ?? '')?.[1] ?? ''
    const upper = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)
    buckets.set(upper, (buckets.get(upper) ?? 0) + Number(match[2]))
  }
  return buckets
}

/** Linear inside the bucket, as Prometheus' own histogram_quantile does. */
function quantileMs(buckets: Map<number, number>, quantile: number): number {
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  const total = sorted.at(-1)?.[1] ?? 0
  const target = total * quantile
  let lower = 0
  let below = 0
  for (const [upper, count] of sorted) {
    if (count >= target && count > below) {
      if (!Number.isFinite(upper)) return lower * 1000
      return (lower + ((upper - lower) * (target - below)) / (count - below)) * 1000
    }
    lower = upper
    below = count
  }
  return Number.NaN
}

/** Null when the page has no such histogram. */
export async function endToEndQuantiles(http: string): Promise<Quantiles | null> {
  const page = await (await fetch(`${http}/metrics`)).text()
  const buckets = bucketsOf(page)
  if (buckets.size === 0) return null
  return { p50Ms: quantileMs(buckets, 0.5), p99Ms: quantileMs(buckets, 0.99) }
}
