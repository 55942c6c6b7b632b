/** The subscriptions the configuration asks for: the list, or what the shorthand stands for. */
import { nearest } from '../core/nearest.ts'
import type { DataSubscription } from '../model/subscription.ts'
import { BUILT_IN_ADAPTER } from './adapter-schema.ts'
import { shown } from './config-error.ts'
import { hasControlCharacter, isPlainObject } from './value.ts'

const KEYS = ['adapter', 'channels', 'symbols']
const NAME_BYTES_MAX = 64

/** The shorthand, for the built-in adapter. All-market channels (`!miniTicker`) take no symbols. */
export function shorthand(
  symbols: readonly string[],
  channels: readonly string[]
): DataSubscription[] {
  const market = channels.filter((channel) => channel.startsWith('!'))
  const perSymbol = channels.filter((channel) => !channel.startsWith('!'))
  const adapter = BUILT_IN_ADAPTER
  return [
    ...(perSymbol.length > 0
      ? [{ adapter, channels: unique(perSymbol), symbols: unique(symbols) }]
      : []),
    ...(market.length > 0 ? [{ adapter, channels: unique(market), symbols: [] }] : [])
  ]
}

/** Reads a list that came from a file or variable; what is wrong goes to `problems`. */
export function parseSubscriptions(
  value: readonly unknown[],
  context: {
    readonly origin: string
    readonly adapters: ReadonlySet<string>
    readonly problems: string[]
  }
): DataSubscription[] {
  const subscriptions: DataSubscription[] = []
  value.forEach((item, index) => {
    const where = `${context.origin}: subscriptions[${index}]`
    const before = context.problems.length
    const complain = (problem: string): void => {
      context.problems.push(`${where}${problem}`)
    }
    if (!isPlainObject(item)) {
      complain(` must be {adapter, channels, symbols}, is ${shown(item)}`)
      return
    }
    for (const key of Object.keys(item)) {
      if (!KEYS.includes(key)) {
        complain(`: unknown key ${shown(key)}; the nearest known one is ${nearest(key, KEYS)}`)
      }
    }
    const adapter = item['adapter'] ?? BUILT_IN_ADAPTER
    if (typeof adapter !== 'string' || !context.adapters.has(adapter)) {
      const known = nearest(String(adapter), context.adapters)
      complain(`.adapter: unknown adapter ${shown(adapter)}; the nearest known one is ${known}`)
    }
    const channels = names(item['channels'], '.channels', complain)
    const symbols = names(item['symbols'] ?? [], '.symbols', complain)
    if (channels.length === 0 && context.problems.length === before) complain('.channels is empty')
    const needsSymbols = channels.some((channel) => !channel.startsWith('!'))
    if (symbols.length === 0 && needsSymbols && context.problems.length === before) {
      complain('.symbols is empty; only channels that start with ! take none')
    }
    if (context.problems.length === before) {
      subscriptions.push({ adapter: adapter as string, channels, symbols })
    }
  })
  return subscriptions
}

function names(value: unknown, key: string, complain: (problem: string) => void): string[] {
  const items: unknown = typeof value === 'string' ? value.split(',') : value
  if (!Array.isArray(items)) {
    complain(`${key} must be a list of names, is ${shown(value)}`)
    return []
  }
  const good: string[] = []
  for (const item of items) {
    const name = typeof item === 'string' ? item.trim() : ''
    if (name === '' || hasControlCharacter(name) || Buffer.byteLength(name) > NAME_BYTES_MAX) {
      complain(`${key} holds ${shown(item)}, which is no name`)
    } else good.push(name)
  }
  return unique(good)
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)]
}
