/** Each reason for refusing a frame, in both kernels; the frame itself is in the dead letter. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeadLetterReason } from '../../../src/model/record.ts'
import {
  RECORD_FIRST_ID,
  RECORD_FLAG_TRUNCATED,
  RECORD_FLAGS,
  RECORD_STREAM_INDEX
} from '../../../src/ring/layout.ts'
import { type FrameOptions, KernelRig, KINDS, reasonOf, textOf } from '../../support/kernel-rig.ts'

const TRADE =
  '"e":"trade","E":1789964483614,"s":"ABC","t":1,"p":"1","q":"1","T":1789964483614,"m":true'
const BOOK = '"u":5,"s":"ABC","b":"1","B":"1","a":"1","A":"1"'
const PARTIAL = '"lastUpdateId":1,"bids":[],"asks":[]'
const KLINE =
  '"t":1,"T":2,"s":"ABC","i":"1m","f":1,"L":1,"o":"1","c":"1","h":"1","l":"1","v":"1","n":1,' +
  '"x":false,"q":"1","V":"1","Q":"1"'
const kline = (k: string, s = 'ABC'): string =>
  `{"e":"kline","E":1789964483614,"s":"${s}","k":${k}}`
const combined = (stream: string, data: string): string => `{"stream":"${stream}","data":${data}}`
const nested = (depth: number): string =>
  `{"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)},${BOOK}}`

type Case = readonly [
  frame: string | Buffer,
  reason: keyof typeof DeadLetterReason | 'record',
  FrameOptions?
]

const CASES: readonly Case[] = [
  ['', 'invalid_json'],
  ['   ', 'invalid_json'],
  ['{', 'invalid_json'],
  [`{${TRADE}`, 'invalid_json'],
  // What stands behind a payload that breaks off is no part of it.
  [`{${TRADE}`, 'invalid_json', { stream: '}' }],
  [`{${TRADE},"x":`, 'invalid_json', { stream: '1}' }],
  [`{${TRADE},"x":[{"y":[1`, 'invalid_json', { stream: ']}]}' }],
  ['{"x":[{"a":1}', 'invalid_json', { stream: ',,,,' }],
  ['{"x":{"y":{"z":1}', 'invalid_json', { stream: '}}}}' }],
  ['{"e":"depthUpdate","b":[["1","2"],{}', 'invalid_json', { stream: ',,,,' }],
  [`{${TRADE}}{}`, 'invalid_json'],
  [`{${TRADE}} x`, 'invalid_json'],
  [`{${TRADE},}`, 'invalid_json'],
  [`{${TRADE},"x":nulll}`, 'invalid_json'],
  [`{${TRADE},"x":01}`, 'invalid_json'],
  [`{${TRADE},"x":1.}`, 'invalid_json'],
  [`{${TRADE},"x":.5}`, 'invalid_json'],
  [`{${TRADE},"x":+1}`, 'invalid_json'],
  [`{${TRADE},"x":"\\x"}`, 'invalid_json'],
  [`{${TRADE},"x":"\\u12"}`, 'invalid_json'],
  [`{${TRADE},"\\q":1}`, 'invalid_json'],
  [`{${TRADE},"x":"\n"}`, 'invalid_json'],
  [`{${TRADE},"x":"a":1}`, 'invalid_json'],
  [`{${TRADE},"x":[1 2]}`, 'invalid_json'],
  [`{${TRADE},"x":{"y":[}]}}`, 'invalid_json'],
  [`\ufeff{${TRADE}}`, 'invalid_json'],
  [`{${TRADE}}\u0000`, 'invalid_json'],
  [
    Buffer.concat([Buffer.from(`{${TRADE},"x":"`), Buffer.from([0xff]), Buffer.from('"}')]),
    'invalid_json'
  ],
  [
    Buffer.concat([
      Buffer.from(`{${TRADE},"x":"`),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from('"}')
    ]),
    'invalid_json'
  ],
  [nested(65), 'invalid_json'],
  [nested(64), 'record'],
  [`{${TRADE},"x":1e400,"y":[-0.0E-1,{}],"z":"\\ud800","__proto__":{"s":"EVIL"}}`, 'record'],
  ['1', 'unexpected_shape'],
  ['"text"', 'unexpected_shape'],
  ['"te"xt"', 'invalid_json'],
  ['null', 'unexpected_shape'],
  ['[1]', 'unexpected_shape'],
  [combined('abc@trade', '5'), 'unexpected_shape'],
  [`{"stream":5,"data":{${TRADE}}}`, 'unexpected_shape'],
  [combined('abc@trade', `[{${TRADE}}]`), 'unexpected_shape'],
  [combined('!miniTicker@arr', `{${TRADE}}`), 'unexpected_shape'],
  [kline('[]'), 'unexpected_shape'],
  [`{"e":5,${BOOK}}`, 'unexpected_shape'],
  [`{${TRADE.replace('true', '"true"')}}`, 'unexpected_shape'],
  [kline(`{${KLINE.replace('"1m"', '"1 m"')}}`), 'unexpected_shape'],
  [combined('abc@depth5', '{"lastUpdateId":1,"bids":{},"asks":[]}'), 'unexpected_shape'],
  [combined('abc@depth5', '{"lastUpdateId":1,"bids":[["1"]],"asks":[]}'), 'unexpected_shape'],
  ['{}', 'missing_field'],
  ['{"stream":"abc@trade"}', 'missing_field'],
  [`{${TRADE.replace('"t":1,', '')}}`, 'missing_field'],
  [kline(`{${KLINE.replace('"n":1,', '')}}`), 'missing_field'],
  [`{${TRADE},"p":"2"}`, 'duplicate_key'],
  [`{${TRADE},"\\u0070":"2"}`, 'duplicate_key'],
  [`{${TRADE},"e":"trade"}`, 'duplicate_key'],
  [`{${TRADE},"M":1,"M":2}`, 'record'],
  [kline(`{${KLINE},"i":"1m"}`), 'duplicate_key'],
  [`{"stream":"abc@trade","data":{${TRADE}},"data":{${TRADE}}}`, 'duplicate_key'],
  [`{"stream":"!miniTicker@arr","data":[5],"stream":"!miniTicker@arr"}`, 'duplicate_key'],
  [`{${BOOK.replace('"1"', '1')}}`, 'bad_number'],
  ...['', '-', '.5', '1.', '1e5', '+1', ' 1', '0x1', '1,5', '\\u0031', 'NaN', '1'.repeat(65)].map(
    (text): Case => [`{${BOOK.replace('"b":"1"', `"b":"${text}"`)}}`, 'bad_number']
  ),
  [`{${BOOK.replace('"b":"1"', `"b":"${'1'.repeat(64)}"`)}}`, 'record'],
  ...['"5"', '5.0', '5e0', 'null', '-0', '9223372036854775808', '-9223372036854775809', '[5]'].map(
    (text): Case => [`{${BOOK.replace('"u":5', `"u":${text}`)}}`, 'bad_number']
  ),
  [`{${BOOK.replace('"u":5', '"u":9223372036854775807')}}`, 'record'],
  [`{${BOOK.replace('"u":5', '"u":-9223372036854775808')}}`, 'record'],
  [combined('abc@depth5', '{"lastUpdateId":1,"bids":[["1",2]],"asks":[]}'), 'bad_number'],
  ...[
    '""',
    '"A\\"B"',
    '"A\\\\B"',
    '"A\\nB"',
    '"A\\u007f"',
    '"\\ud800"',
    '5',
    `"${'é'.repeat(33)}"`
  ].map((symbol): Case => [`{${BOOK.replace('"ABC"', symbol)}}`, 'bad_symbol']),
  [`{${BOOK.replace('ABC', 'é'.repeat(32))}}`, 'record'],
  ['{"e":"markPriceUpdate"}', 'unknown_type'],
  [`{${TRADE.replace('"trade"', '"Trade"')}}`, 'unknown_type'],
  ['[{"e":"serverShutdown"}]', 'unknown_type'],
  [combined('xyz@trade', `{${TRADE}}`), 'stream_mismatch'],
  [combined('abc@aggTrade', `{${TRADE}}`), 'stream_mismatch'],
  [combined('abc', `{${TRADE}}`), 'stream_mismatch'],
  [combined('', `{${TRADE}}`), 'stream_mismatch'],
  [combined('aBc@trade', `{${TRADE}}`), 'record'],
  [combined('abc@trade', `{${TRADE}}`), 'stream_mismatch', { stream: 'abc@aggTrade' }],
  [`{${TRADE}}`, 'stream_mismatch', { stream: 'abc@kline_1m' }],
  [combined('abc@depth@100ms', `{${PARTIAL}}`), 'stream_mismatch'],
  [combined('abc@kline_5m', kline(`{${KLINE}}`)), 'stream_mismatch'],
  [kline(`{${KLINE}}`, 'XYZ'), 'stream_mismatch'],
  [combined('!bookTicker', `{${BOOK}}`), 'record'],
  [combined('!trade@arr', `[{${TRADE}}]`), 'stream_mismatch'],
  [`{${PARTIAL}}`, 'no_stream'],
  // One bad element takes the whole array with it; the first in document order gives the reason.
  [`[{${BOOK}},{${PARTIAL}},{"e":"nonsense"}]`, 'no_stream'],
  [`[{${BOOK}},{"e":"nonsense"},x]`, 'invalid_json'],
  [`{${BOOK}}`, 'binary', { binary: true }],
  [`{${BOOK}}`, 'oversized', { bytesMax: 8 }],
  [`{${BOOK}}`, 'unexpected_shape', { exchange: 7 }]
]

for (const kind of KINDS) {
  test(`${kind}: every reason for a dead letter`, () => {
    const rig = new KernelRig(kind)
    for (const [frame, reason, options] of CASES) {
      const [outcome, ...more] = rig.outcome(frame, options)
      const found = outcome?.startsWith('dead: ') ? outcome.slice(6) : 'record'
      assert.equal(found, reason, `${frame} ${JSON.stringify(options ?? {})}`)
      assert.equal(more.length, 0, 'nothing beside it')
    }
    const dead = CASES.filter(([, reason]) => reason !== 'record').length
    assert.equal(rig.counters[3], dead)
    assert.equal(rig.counters[0], CASES.length)
    const tested = new Set(CASES.map(([, reason]) => reason))
    const untested = Object.keys(DeadLetterReason).filter((reason) => !tested.has(reason as never))
    assert.deepEqual(untested, ['too_many_streams'], 'tested with the stream table')
  })

  test(`${kind}: a dead letter carries the frame, its exchange and its size on the wire`, () => {
    const rig = new KernelRig(kind, { recordBytes: 4096 })
    const frame = `{"x":"${'y'.repeat(2000)}`
    rig.push(frame, { exchange: 1 })
    rig.push('{"short"', { exchange: 0 })
    rig.kernel.parse(2)
    const [long, short] = rig.take()
    assert.ok(long !== undefined && short !== undefined)
    assert.equal(textOf(long), frame.slice(0, 1024 - 72), 'a quarter of the ring at most')
    assert.equal(long.readUInt16LE(RECORD_FLAGS), RECORD_FLAG_TRUNCATED)
    assert.equal(long.readBigInt64LE(RECORD_FIRST_ID), BigInt(frame.length))
    assert.equal(long.readUInt32LE(RECORD_STREAM_INDEX), 1)
    assert.equal(reasonOf(long), 'invalid_json')
    assert.equal(textOf(short), '{"short"')
    assert.equal(short.readUInt16LE(RECORD_FLAGS), 0)
  })
}
