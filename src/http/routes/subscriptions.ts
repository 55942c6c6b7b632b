/** Subscriptions: list, add, remove; a change answers with what is subscribed then. */
import type { Static } from 'typebox'
import type { DataSubscription } from '../../model/subscription.ts'
import type { ServiceControl } from '../control.ts'
import { json, type Reply, type Route, type RouteRequest } from '../route.ts'
import { compile, type SubscriptionSchema, SubscriptionsSchema } from '../schemas.ts'

const DEFAULT_ADAPTER = 'binance'
const check = compile(SubscriptionsSchema)

export function subscriptionRoutes(control: ServiceControl): Route[] {
  const pattern = '/api/v1/subscriptions'
  const current = (): Reply => json({ subscriptions: control.subscriptions() })
  return [
    { method: 'GET', pattern, access: 'read', handle: current },
    {
      method: 'POST',
      pattern,
      access: 'change',
      handle: async ({ body }) => {
        await control.subscribe(listOf(body))
        return current()
      }
    },
    {
      method: 'DELETE',
      pattern,
      access: 'change',
      handle: async (request) => {
        await control.unsubscribe(listOf(request.body ?? bodyOfQuery(request)))
        return current()
      }
    }
  ]
}

function listOf(body: unknown): DataSubscription[] {
  const checked = check(body)
  const list = Array.isArray(checked)
    ? checked
    : 'subscriptions' in checked
      ? checked.subscriptions
      : [checked]
  return list.map(subscriptionOf)
}

function subscriptionOf(item: Static<typeof SubscriptionSchema>): DataSubscription {
  return {
    adapter: item.adapter ?? DEFAULT_ADAPTER,
    channels: [...new Set(item.channels)],
    symbols: [...new Set(item.symbols ?? [])]
  }
}

/** Many clients send no body with DELETE: `?channels=trade&symbols=BTCUSDT,ETHUSDT` says the same. */
function bodyOfQuery({ query }: RouteRequest): unknown {
  if (!query.has('channels')) return undefined
  const items = (name: string): string[] =>
    (query.get(name) ?? '').split(',').filter((item) => item !== '')
  return {
    adapter: query.get('adapter') ?? DEFAULT_ADAPTER,
    channels: items('channels'),
    symbols: items('symbols')
  }
}
