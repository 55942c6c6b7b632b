/** What the HTTP side may ask of the service: `ServiceControl` over its parts. Main thread. */
import { maskedConfig } from '../config/mask.ts'
import { testHooksEnabled } from '../config/test-hooks.ts'
import { SluiceError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { Probe, ServiceControl } from '../http/control.ts'
import type { AdapterSummary } from '../model/status.ts'
import type { DataSubscription } from '../model/subscription.ts'
import type { ExchangeRunner } from '../pipeline/exchange-runner.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import type { Parts, ServiceView } from './parts.ts'
import type { Pipeline } from './pipeline.ts'
import type { StatusReader } from './status-reader.ts'

export interface ControlOptions {
  readonly service: ServiceView
  readonly parts: Parts
  readonly status: StatusReader
  readonly metrics: MetricsRegistry
}

export function createControl(options: ControlOptions): ServiceControl {
  const { service, parts, status, metrics } = options
  const { pipeline, ingest, runners } = parts
  const runnerOf = (name: string): ExchangeRunner => findRunner(runners, name)
  const act = async (name: string, verb: 'start' | 'stop' | 'restart'): Promise<AdapterSummary> => {
    const runner = runnerOf(name)
    requireRunning(service)
    await runner[verb]()
    return { name, ...runner.summary() }
  }
  return {
    livez: () => ({ ok: service.state !== 'stopped', reasons: [] }),
    readyz: () => readiness(status),
    health: () => ({
      live: { ok: service.state !== 'stopped', reasons: [] },
      ready: readiness(status),
      components: components(status)
    }),
    status: () => status.read(),
    metricsText: () => metrics.text(),
    metricsJson: () => metrics.json(),
    adapters: () => status.adapters(),
    startAdapter: (name) => act(name, 'start'),
    stopAdapter: (name) => act(name, 'stop'),
    restartAdapter: (name) => act(name, 'restart'),
    subscriptions: () => [...runners.values()].flatMap((runner) => [...runner.subscriptions()]),
    subscribe: async (list) => {
      requireRunning(service)
      requireTopics(pipeline)
      await onEachAdapter(list, runnerOf, (runner, own) => runner.subscribe(own))
    },
    unsubscribe: async (list) => {
      requireRunning(service)
      await onEachAdapter(list, runnerOf, (runner, own) => runner.unsubscribe(own))
    },
    config: () => maskedConfig(service.config),
    logLevel: () => service.logger.level(),
    setLogLevel: (level) => service.logger.setLevel(level),
    drain: () => service.drain('asked over the API'),
    admitIngest: (exchange) => ingest.admit(exchange),
    openIngest: (request) => ingest.open(request),
    faults: testHooksEnabled()
      ? {
          killParser: (shard) => pipeline.killParser(shard),
          killKafka: () => pipeline.killKafka()
        }
      : null
  }
}

function readiness(status: StatusReader): Probe {
  const reasons = status.notReady()
  return { ok: reasons.length === 0, reasons: [...reasons, ...status.remarks()] }
}

function components(status: StatusReader): Record<string, Probe> {
  const view = status.read()
  const probes: Record<string, Probe> = {}
  for (const { name, state, lastError } of view.workers) {
    probes[name] = { ok: state === 'running', reasons: lastError === null ? [] : [lastError] }
  }
  for (const { name, state, detail } of view.sinks) {
    probes[`sink ${name}`] = { ok: state === 'running', reasons: detail === null ? [] : [detail] }
  }
  for (const { name, state, lastError } of view.adapters) {
    const ok = state === 'running' || state === 'stopped'
    probes[`adapter ${name}`] = { ok, reasons: lastError === null ? [] : [lastError] }
  }
  return probes
}

/** A service that is being taken down does not change any more. */
function requireRunning({ state }: ServiceView): void {
  if (state === 'running') return
  throw new SluiceError('SLUICE_SERVICE_STATE', `changing the service: it is ${state}`)
}

/** Topics come before streams: without a broker the call would hang until it is back. */
function requireTopics({ sink }: Pipeline): void {
  const { state, detail } = sink.status()
  if (state === 'running' || state === 'degraded') return
  const why = detail === null ? state : `${state}: ${detail}`
  throw new SluiceError('SLUICE_SINK_UNREACHABLE', `subscribing: kafka is ${why}`)
}

function findRunner(runners: ReadonlyMap<string, ExchangeRunner>, name: string): ExchangeRunner {
  const runner = runners.get(name)
  if (runner !== undefined) return runner
  const guess = nearest(name, runners.keys())
  const hint = guess === null ? '' : `; did you mean ${guess}?`
  throw new SluiceError(
    'SLUICE_EXCHANGE_UNKNOWN',
    `no adapter is called ${name.slice(0, 64)}${hint}`
  )
}

/** Gives every adapter its own part of the list; all names are checked before anything changes. */
async function onEachAdapter(
  list: readonly DataSubscription[],
  runnerOf: (name: string) => ExchangeRunner,
  apply: (runner: ExchangeRunner, own: readonly DataSubscription[]) => Promise<unknown>
): Promise<void> {
  const names = [...new Set(list.map((each) => each.adapter))]
  const runners = names.map(runnerOf)
  for (const [index, runner] of runners.entries()) {
    await apply(
      runner,
      list.filter((each) => each.adapter === names[index])
    )
  }
}
