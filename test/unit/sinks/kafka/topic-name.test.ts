import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  deadLetterTopic,
  TOPIC_BYTES_MAX,
  topicName
} from '../../../../src/sinks/kafka/topic-name.ts'

const TRADE = { type: 'trade', exchange: 'binance', symbol: 'BTCUSDT', interval: null }
const TEMPLATE = 'market.{type}.{exchange}.{symbol}'

describe('topic name', () => {
  it('fills the template', () => {
    assert.equal(topicName(TEMPLATE, TRADE), 'market.trade.binance.BTCUSDT')
    assert.equal(topicName('m.{type}', TRADE), 'm.trade')
    assert.equal(
      topicName('{exchange}_{type}_{interval}-{symbol}', {
        ...TRADE,
        type: 'kline',
        interval: '1m'
      }),
      'binance_kline_1m-BTCUSDT'
    )
  })

  it('puts nothing where there is no interval', () => {
    assert.equal(topicName('m.{type}{interval}', TRADE), 'm.trade')
  })

  it('keeps the case of an interval: 1m and 1M are not one topic', () => {
    const of = (interval: string): string =>
      topicName('k.{interval}', { ...TRADE, type: 'kline', interval })
    assert.notEqual(of('1m'), of('1M'))
    assert.equal(of('1d@+08:00'), 'k.1dx40x2b08x3a00')
  })

  it('writes forbidden bytes as x and two lower-case hex digits', () => {
    assert.equal(
      topicName('{symbol}', { ...TRADE, symbol: '币安人生USDT' }),
      'xe5xb8x81xe5xaex89xe4xbaxbaxe7x94x9fUSDT'
    )
    assert.equal(topicName('{symbol}', { ...TRADE, symbol: 'A/B C' }), 'Ax2fBx20C')
    assert.equal(topicName('{symbol}', { ...TRADE, symbol: 'A{type}' }), 'Ax7btypex7d')
  })

  it('does not expand what a symbol happens to contain', () => {
    assert.equal(topicName('{symbol}.{type}', { ...TRADE, symbol: '$&' }), 'x24x26.trade')
  })

  it('never exceeds what Kafka takes, and still tells symbols apart', () => {
    const name = (last: string): string =>
      topicName(TEMPLATE, { ...TRADE, symbol: '币'.repeat(40) + last })
    assert.equal(name('A').length, TOPIC_BYTES_MAX)
    assert.notEqual(name('A'), name('B'))
    assert.equal(name('A'), name('A'))
    assert.match(name('A'), /^[A-Za-z0-9._-]+$/)
  })

  it('never makes the names that Kafka reserves', () => {
    assert.equal(topicName('{symbol}', { ...TRADE, symbol: '.' }), 'x2e')
    assert.equal(topicName('{symbol}', { ...TRADE, symbol: '..' }), 'x2e2e')
    assert.equal(topicName('{interval}', TRADE), 'x')
  })

  it('names the topic of dead letters', () => {
    assert.equal(deadLetterTopic('binance'), 'market.deadletter.binance')
  })
})
