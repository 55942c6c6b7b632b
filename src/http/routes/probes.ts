/** Probes, metrics and the index: GET without any check of Host or token. */
import type { Probe, ServiceControl } from '../control.ts'
import { json, plain, type Reply, type Route } from '../route.ts'

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

function probe({ ok, reasons }: Probe): Reply {
  return json({ ok, reasons }, ok ? 200 : 503)
}

export function probeRoutes(control: ServiceControl): Route[] {
  return [
    {
      method: 'GET',
      pattern: '/livez',
      access: 'probe',
      handle: () => probe(control.livez())
    },
    {
      method: 'GET',
      pattern: '/readyz',
      access: 'probe',
      handle: () => probe(control.readyz())
    },
    {
      method: 'GET',
      pattern: '/healthz',
      access: 'probe',
      handle: () => {
        const health = control.health()
        const ok = health.live.ok && health.ready.ok
        return json({ ok, ...health }, ok ? 200 : 503)
      }
    },
    {
      method: 'GET',
      pattern: '/metrics',
      access: 'probe',
      handle: async () => plain(await control.metricsText(), METRICS_TYPE)
    }
  ]
}
