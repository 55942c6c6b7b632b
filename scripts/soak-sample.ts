/** One reading of the service under soak: memory by the kernel and by /metrics, descriptors, progress. */
import { readdirSync, readFileSync } from 'node:fs'
import { readAccounting } from '../test/support/accounting.ts'
import { parseMetrics, sumOf } from '../test/support/metrics.ts'
import type { Service } from '../test/support/service.ts'

export interface ProcessSample {
  readonly minute: number
  readonly rssBytes: number
  readonly heapBytes: number
  readonly externalBytes: number
  readonly fds: number
  readonly delivered: number
  readonly inFlight: number
}

export async function sampleProcess(service: Service, minute: number): Promise<ProcessSample> {
  const status = readFileSync(`/proc/${service.pid}/status`, 'utf8')
  const samples = parseMetrics(await service.getText('/metrics'))
  const { records } = await readAccounting(service)
  return {
    minute,
    rssBytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024,
    heapBytes: named(samples, /nodejs_heap_size_used_bytes$/),
    externalBytes: named(samples, /nodejs_external_memory_bytes$/),
    fds: readdirSync(`/proc/${service.pid}/fd`).length,
    delivered: records.delivered,
    inFlight: records.inFlight
  }
}

/** Of a Node.js default metric, with or without the service's prefix. */
function named(samples: ReturnType<typeof parseMetrics>, pattern: RegExp): number {
  const name = samples.find((sample) => pattern.test(sample.name))?.name
  return name === undefined ? 0 : sumOf(samples, name)
}
