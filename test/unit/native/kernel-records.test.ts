/** Every spot message becomes its record, in combined and in raw form, in both kernels. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENTRY_STREAM_DEFINITION, RecordType } from '../../../src/model/record.ts'
import {
  RECORD_EVENT_TIME,
  RECORD_FIRST_ID,
  RECORD_FLAG_SUSPECT,
  RECORD_FLAGS,
  RECORD_HEADER_BYTES,
  RECORD_KEY_BYTES,
  RECORD_KEY_OFFSET,
  RECORD_LAST_ID,
  RECORD_SEQUENCE
} from '../../../src/ring/layout.ts'
import { KernelRig, KINDS, RECEIVED_US, textOf, typeOf } from '../../support/kernel-rig.ts'
import { SPOT_EXAMPLES, type SpotExample, toJson } from './spot-frames.ts'

function expected({ type, eventTime, body }: SpotExample): string {
  return (
    `{"v":1,"type":"${type}","exchange":"binance","symbol":"ABCUSDT","eventTime":${eventTime},` +
    `"receivedTime":${RECEIVED_US},"source":"live",${body}}`
  )
}

for (const kind of KINDS) {
  for (const example of SPOT_EXAMPLES) {
    test(`${kind}: ${example.name}`, () => {
      const rig = new KernelRig(kind)
      const data = toJson(example.payload)
      rig.push(`{"stream":"${example.stream}","data":${data}}`)
      rig.push(` { "data" : ${data} , "x" : [ { } ] , "stream" : "${example.stream}" } `)
      rig.push(data, { stream: example.stream })
      assert.equal(rig.kernel.parse(10), 3)
      const [definition, ...records] = rig.take()
      assert.ok(definition !== undefined && typeOf(definition) === ENTRY_STREAM_DEFINITION)
      const told: unknown = JSON.parse(textOf(definition))
      const { stream, type } = example
      assert.deepEqual(
        { ...(told as object), interval: 0, window: 0 },
        {
          stream,
          exchange: 'binance',
          type,
          symbol: 'ABCUSDT',
          interval: 0,
          window: 0
        }
      )
      assert.deepEqual(records.map(textOf), Array(3).fill(expected(example)))
      for (const [index, record] of records.entries()) checkHead(record, example, index)
    })
  }

  test(`${kind}: arrays give one record per symbol, under the array's stream`, () => {
    const rig = new KernelRig(kind)
    const mini = SPOT_EXAMPLES.find(({ name }) => name === 'miniTicker')
    const text = toJson([mini?.payload, { ...mini?.payload, s: '这是测试币456' }])
    for (const frame of [
      `{"stream":"!miniTicker@arr","data":${text}}`,
      `{"data":${text},"stream":"!miniTicker@arr"}`
    ]) {
      const values = rig.outcome(frame)
      assert.deepEqual(
        values.map((value) => JSON.parse(value).symbol),
        ['ABCUSDT', '这是测试币456']
      )
    }
    assert.deepEqual(rig.outcome('{"stream":"!miniTicker@arr","data":[]}'), [])
    assert.equal(rig.outcome(text, { stream: '!miniTicker@arr' }).length, 2)
    // Without a name these are streams of their own.
    assert.equal(rig.outcome(text).length, 2)
    assert.equal(rig.counters[7], 4, 'streams defined')
  })

  test(`${kind}: escapes in keys, names and symbols mean what they say`, () => {
    const rig = new KernelRig(kind)
    const plain = rig.outcome(
      '{"stream":"abcusdt@referencePrice","data":{"e":"referencePrice","s":"ABCUSDT","r":"1","t":5}}'
    )
    const escaped = rig.outcome(
      '{"str\\u0065am":"abc\\u0075sdt@referencePrice","dat\\u0061":{"\\u0065":"reference\\u0050rice",' +
        '"s":"ABC\\u0055SDT","r":"1","t":5,"\\ud800":"\\udc00\\\\"}}'
    )
    assert.deepEqual(escaped, plain)
    assert.match(plain[0] ?? '', /"symbol":"ABCUSDT"/)
  })

  test(`${kind}: what cannot be true is flagged and passed unaltered`, () => {
    const rig = new KernelRig(kind)
    const book = { u: 5, s: 'A', b: '1', B: '1', a: '1', A: '1' }
    const mini = {
      e: '24hrMiniTicker',
      E: 1789964483614,
      s: 'A',
      c: '2',
      o: '1',
      h: '3',
      l: '1',
      v: '9',
      q: '8'
    }
    const cases: [object, boolean][] = [
      [book, false],
      [{ ...book, b: '-0.00' }, false],
      [{ ...book, b: '-0.01' }, true],
      [{ ...book, u: -1 }, false],
      [{ ...book, u: -2 }, true],
      [{ ...mini, h: '10.0', l: '9.99' }, false],
      [{ ...mini, h: '9.990', l: '10' }, true],
      [{ ...mini, h: '0010', l: '10.000' }, false],
      [{ ...mini, E: 1483228799999 }, true],
      [{ ...mini, E: 1483228800000 }, false],
      [{ ...mini, E: RECEIVED_US + 86_400_000_000 }, false],
      [{ ...mini, E: RECEIVED_US + 86_400_000_001 }, true]
    ]
    for (const [payload, isSuspect] of cases) {
      rig.push(JSON.stringify(payload))
      rig.kernel.parse(1)
      const flags = rig.take().at(-1)?.readUInt16LE(RECORD_FLAGS) ?? -1
      assert.equal(flags, isSuspect ? RECORD_FLAG_SUSPECT : 0, JSON.stringify(payload))
    }
    assert.equal(rig.counters[6], cases.filter(([, isSuspect]) => isSuspect).length)
  })

  test(`${kind}: control frames are ignored, not records and not dead letters`, () => {
    const rig = new KernelRig(kind)
    for (const frame of [
      '{"result":null,"id":1}',
      '{"id":"a","result":["abcusdt@trade"]}',
      '{"error":{"code":2,"msg":"x"},"id":1}',
      '{"code":-1121,"msg":"Invalid symbol."}',
      '{"e":"serverShutdown","E":1770123456789}',
      '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}'
    ]) {
      assert.deepEqual(rig.outcome(frame), [], frame)
    }
    assert.equal(rig.counters[2], 6, 'ignored')
  })
}

function checkHead(record: Buffer, example: SpotExample, index: number): void {
  assert.equal(typeOf(record), RecordType[example.type as keyof typeof RecordType])
  assert.equal(record.readBigInt64LE(RECORD_FIRST_ID), example.firstId)
  assert.equal(record.readBigInt64LE(RECORD_LAST_ID), example.lastId)
  const eventTime = example.eventTime === 'null' ? 0n : BigInt(example.eventTime)
  assert.equal(record.readBigInt64LE(RECORD_EVENT_TIME), eventTime)
  assert.equal(record.readBigUInt64LE(RECORD_SEQUENCE), BigInt(index))
  const at = RECORD_HEADER_BYTES + record.readUInt16LE(RECORD_KEY_OFFSET)
  assert.equal(record.toString('utf8', at, at + record.readUInt16LE(RECORD_KEY_BYTES)), 'ABCUSDT')
}
