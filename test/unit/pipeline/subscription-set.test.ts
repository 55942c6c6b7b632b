import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SubscriptionSet } from '../../../src/pipeline/subscription-set.ts'

const of = (channels: readonly string[], symbols: readonly string[]) => ({
  adapter: 'binance',
  channels,
  symbols
})
const set = (...subscriptions: readonly ReturnType<typeof of>[]) =>
  new SubscriptionSet().with(subscriptions)

function pairs(subscriptions: SubscriptionSet): readonly string[] {
  const all = subscriptions
    .list()
    .flatMap(({ channels, symbols }) =>
      channels.flatMap((channel) =>
        channel.startsWith('!') ? [channel] : symbols.map((symbol) => `${channel} ${symbol}`)
      )
    )
  return all.sort()
}

test('the same subscription twice is one, whatever its order and case', () => {
  assert.equal(
    set(of(['trade', 'ticker'], ['A', 'B']), of(['ticker', 'trade'], ['b', 'A'])).list().length,
    1
  )
})

test('taking back one of two that overlap leaves what the other names', () => {
  const both = set(of(['trade'], ['A']), of(['trade'], ['A', 'B']))
  assert.deepEqual(pairs(both.without([of(['trade'], ['A', 'B'])])), ['trade A'])
  assert.equal(both.list().length, 2, 'the set itself is unchanged')
})

test('single pairs leave every subscription that holds them, the rest stays', () => {
  const all = set(of(['trade', 'ticker'], ['A', 'B', 'C']), of(['trade'], ['B', 'D']))
  assert.deepEqual(pairs(all.without([of(['trade'], ['b'])])), [
    'ticker A',
    'ticker B',
    'ticker C',
    'trade A',
    'trade C',
    'trade D'
  ])
})

test('all-market channels have no symbol', () => {
  const all = set(of(['!miniTicker@arr', 'trade'], ['A']))
  assert.deepEqual(pairs(all.without([of(['!miniTicker@arr'], [])])), ['trade A'])
})

test('what nobody subscribed to is named, all of it, and nothing changes', () => {
  const one = set(of(['trade'], ['A']))
  assert.throws(() => one.without([of(['trade', 'ticker'], ['A', 'B'])]), {
    code: 'SLUICE_EXCHANGE_SUBSCRIPTION',
    message: 'unsubscribing: not subscribed: trade B, ticker A, ticker B'
  })
  assert.deepEqual(pairs(one), ['trade A'])
})
