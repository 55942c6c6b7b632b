/** Adapters: list, start, stop, restart. */
import type { AdapterSummary } from '../../model/status.ts'
import type { ServiceControl } from '../control.ts'
import { json, type Route, type RouteRequest } from '../route.ts'
import { expectNoBody } from './service.ts'

export function adapterRoutes(control: ServiceControl): Route[] {
  const action = (name: string, act: (adapter: string) => Promise<AdapterSummary>): Route => ({
    method: 'POST',
    pattern: `/api/v1/adapters/:name/${name}`,
    access: 'change',
    handle: async ({ parameters, body }: RouteRequest) => {
      expectNoBody(body)
      return json(await act(parameters[0] ?? ''))
    }
  })
  return [
    {
      method: 'GET',
      pattern: '/api/v1/adapters',
      access: 'read',
      handle: () => json({ adapters: control.adapters() })
    },
    action('start', (adapter) => control.startAdapter(adapter)),
    action('stop', (adapter) => control.stopAdapter(adapter)),
    action('restart', (adapter) => control.restartAdapter(adapter))
  ]
}
