/** What is subscribed now, as asked for, and the streams all of it together names. */
import { SluiceError } from '../core/errors.ts'
import type { DataSubscription } from '../model/subscription.ts'

/** Adds and removes whole subscriptions or single (channel, symbol) pairs of them. */
export class SubscriptionSet {
  private entries: DataSubscription[] = []

  list(): readonly DataSubscription[] {
    return this.entries
  }

  /** The set with more in it; what it holds already is not added twice. */
  with(added: readonly DataSubscription[]): SubscriptionSet {
    const next = new SubscriptionSet()
    next.entries = [...this.entries]
    for (const subscription of added) {
      const key = keyOf(subscription)
      if (!next.entries.some((entry) => keyOf(entry) === key)) next.entries.push(subscription)
    }
    return next
  }

  /**
   * The set with less in it. A subscription that was added in this very form is taken back as such, and
   * streams other subscriptions name too stay. Otherwise every pair it names leaves every subscription.
   * @throws SLUICE_EXCHANGE_SUBSCRIPTION listing the pairs nobody subscribed to
   */
  without(removed: readonly DataSubscription[]): SubscriptionSet {
    const next = new SubscriptionSet()
    next.entries = [...this.entries]
    const missing: string[] = []
    for (const subscription of removed) {
      const key = keyOf(subscription)
      const index = next.entries.findIndex((entry) => keyOf(entry) === key)
      if (index >= 0) next.entries.splice(index, 1)
      else missing.push(...next.removePairs(subscription))
    }
    if (missing.length > 0) {
      const names = missing.join(', ')
      throw new SluiceError(
        'SLUICE_EXCHANGE_SUBSCRIPTION',
        `unsubscribing: not subscribed: ${names}`,
        {
          missing: names
        }
      )
    }
    return next
  }

  private removePairs(subscription: DataSubscription): readonly string[] {
    const missing: string[] = []
    for (const channel of new Set(subscription.channels)) {
      const symbols = channel.startsWith('!') ? [''] : new Set(subscription.symbols.map(fold))
      for (const symbol of symbols) {
        const before = this.entries
        this.entries = before.flatMap((entry) => removePair(entry, channel, symbol))
        const same = before.length === this.entries.length
        if (same && before.every((entry, index) => entry === this.entries[index])) {
          missing.push(symbol === '' ? channel : `${channel} ${symbol}`)
        }
      }
    }
    return missing
  }
}

function removePair(
  entry: DataSubscription,
  channel: string,
  symbol: string
): readonly DataSubscription[] {
  const isMember = symbol === '' || entry.symbols.some((name) => fold(name) === symbol)
  if (!isMember || !entry.channels.includes(channel)) return [entry]
  const { adapter } = entry
  const otherChannels = entry.channels.filter((name) => name !== channel)
  const otherSymbols = entry.symbols.filter((name) => fold(name) !== symbol)
  const rest: DataSubscription[] = []
  if (otherChannels.length > 0) {
    rest.push({ adapter, channels: otherChannels, symbols: entry.symbols })
  }
  if (symbol !== '' && otherSymbols.length > 0) {
    rest.push({ adapter, channels: [channel], symbols: otherSymbols })
  }
  return rest
}

/** Symbols are compared as the exchange compares them in stream names: ASCII letters of either case. */
function fold(symbol: string): string {
  return symbol.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
}

function keyOf(subscription: DataSubscription): string {
  const channels = [...new Set(subscription.channels)].sort()
  const symbols = [...new Set(subscription.symbols.map(fold))].sort()
  return JSON.stringify([subscription.adapter, channels, symbols])
}
