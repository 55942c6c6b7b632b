/** Fault injection for the project's own tests; registered only when the service was started for them. */
import type { FaultControl } from '../control.ts'
import { HttpError } from '../http-error.ts'
import { json, type Route } from '../route.ts'

export function faultRoutes(faults: FaultControl): Route[] {
  const answer = (killed: boolean) => {
    if (killed) return json({ killed: true })
    throw new HttpError(409, { code: 'not_running', message: 'no such worker is running now' })
  }
  return [
    {
      method: 'POST',
      pattern: '/api/v1/test/kill-parser',
      access: 'change',
      handle: ({ query }) => answer(faults.killParser(Number(query.get('shard') ?? 0)))
    },
    {
      method: 'POST',
      pattern: '/api/v1/test/kill-kafka',
      access: 'change',
      handle: () => answer(faults.killKafka())
    }
  ]
}
