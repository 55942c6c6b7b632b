/** One reading of the whole service: what `/api/v1/status` answers, the demo draws and the probes judge. */
import type { AdapterSummary, ServiceStatus, WorkerStatusView } from '../model/status.ts'
import type { MainCounts } from '../telemetry/pipeline-reader.ts'
import type { Parts, ServiceView } from './parts.ts'
import { VERSION } from './version.ts'

export interface StatusReaderOptions {
  readonly service: ServiceView
  readonly parts: Parts
}

export class StatusReader {
  private readonly service: ServiceView
  private readonly parts: Parts

  constructor({ service, parts }: StatusReaderOptions) {
    this.service = service
    this.parts = parts
  }

  read(): ServiceStatus {
    const { service, parts } = this
    const { reader, sink } = parts.pipeline
    const counts = this.mainCounts()
    const reasons = this.notReady()
    return {
      version: VERSION,
      state: service.state,
      uptimeSeconds: (service.clock.monotonicMs() - service.startedMs) / 1000,
      ready: reasons.length === 0,
      reasons,
      frames: reader.frames(counts),
      records: reader.records(counts),
      latency: { endToEnd: reader.endToEnd(), delivery: reader.delivery() },
      rings: reader.rings(),
      workers: this.workers(),
      adapters: this.adapters(),
      sinks: [sink.status()]
    }
  }

  adapters(): AdapterSummary[] {
    return [...this.parts.runners].map(([name, runner]) => ({ name, ...runner.summary() }))
  }

  /** What the main thread counted: all sockets and ingest clients together. */
  mainCounts(): MainCounts {
    const { runners, ingest, pipeline } = this.parts
    const stats = ingest.stats()
    const counts = {
      received: stats.received.reduce((sum, each) => sum + each.frames, 0),
      ignored: 0,
      shed: 0,
      waiting: stats.backlogFrames,
      producerInFlight: pipeline.producerInFlight()
    }
    for (const runner of runners.values()) {
      const view = runner.accounting()
      counts.received += view.received
      counts.ignored += view.ignored
      counts.shed += view.shed
      counts.waiting += view.waiting
    }
    return counts
  }

  /** Why records are not being accepted now; empty when they are. */
  notReady(): string[] {
    const { service, parts } = this
    if (service.state !== 'running') return [`service is ${service.state}`]
    const reasons: string[] = []
    for (const worker of parts.pipeline.workers()) {
      if (worker.state !== 'running') reasons.push(`worker ${worker.name} is ${worker.state}`)
    }
    for (const [name, runner] of parts.runners) {
      const { state, reason } = runner.status()
      if (reason !== null) reasons.push(`adapter ${name} is ${state}: ${reason}`)
    }
    const sink = parts.pipeline.sink.status()
    if (sink.state !== 'running' && sink.state !== 'degraded') {
      reasons.push(`kafka is ${sink.state}${sink.detail === null ? '' : `: ${sink.detail}`}`)
    }
    return reasons
  }

  /** What an operator should know although the service is ready. */
  remarks(): string[] {
    const { detail } = this.parts.pipeline.sink.status()
    return detail === null ? [] : [`kafka: ${detail}`]
  }

  private workers(): WorkerStatusView[] {
    const { pipeline } = this.parts
    const busy = pipeline.busy()
    return pipeline.workers().map((worker, index) => ({ ...worker, busy: busy[index] ?? 0 }))
  }
}
