/** The service as a whole: status, metrics, configuration, log level, drain. */
import type { ServiceControl } from '../control.ts'
import { json, plain, type Route } from '../route.ts'
import { compile, EmptySchema, LogLevelSchema } from '../schemas.ts'

const INDEX = `Sluice

/livez  /readyz  /healthz  /metrics
/api/v1/status          GET
/api/v1/metrics         GET
/api/v1/adapters        GET
/api/v1/adapters/NAME/{start,stop,restart}  POST
/api/v1/subscriptions   GET POST DELETE
/api/v1/config          GET
/api/v1/log-level       GET PUT
/api/v1/drain           POST
/ingest/EXCHANGE        WebSocket
`

const checkLogLevel = compile(LogLevelSchema)
const checkEmpty = compile(EmptySchema)

/** For calls that need no body and accept only an empty object as one. */
export function expectNoBody(body: unknown): void {
  if (body !== undefined) checkEmpty(body)
}

export function serviceRoutes(control: ServiceControl): Route[] {
  return [
    { method: 'GET', pattern: '/', access: 'read', handle: () => plain(INDEX) },
    {
      method: 'GET',
      pattern: '/api/v1/status',
      access: 'read',
      handle: () => json(control.status())
    },
    {
      method: 'GET',
      pattern: '/api/v1/metrics',
      access: 'read',
      handle: async () => json(await control.metricsJson())
    },
    {
      method: 'GET',
      pattern: '/api/v1/config',
      access: 'read',
      handle: () => json(control.config())
    },
    {
      method: 'GET',
      pattern: '/api/v1/log-level',
      access: 'read',
      handle: () => json({ level: control.logLevel() })
    },
    {
      method: 'PUT',
      pattern: '/api/v1/log-level',
      access: 'change',
      handle: ({ body }) => {
        control.setLogLevel(checkLogLevel(body).level)
        return json({ level: control.logLevel() })
      }
    },
    {
      method: 'POST',
      pattern: '/api/v1/drain',
      access: 'change',
      handle: ({ body }) => {
        expectNoBody(body)
        control.drain()
        return json({ draining: true }, 202)
      }
    }
  ]
}
