import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { readCapture } from '../../../src/capture/capture-reader.ts'
import { CaptureWriter } from '../../../src/capture/capture-writer.ts'
import type { Captured, CapturedFrame } from '../../../src/capture/captured.ts'
import { SluiceError } from '../../../src/core/errors.ts'

const RECORDINGS = process.env['SLUICE_RECORDINGS'] ?? join('..', 'shared', 'recordings')
let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-capture-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function read(path: string): Promise<Captured[]> {
  const all: Captured[] = []
  for await (const captured of readCapture(path)) all.push(captured)
  return all
}

async function readText(name: string, content: string | Uint8Array): Promise<Captured[]> {
  const path = join(folder, name)
  await writeFile(path, content)
  return read(path)
}

async function failure(name: string, content: string | Uint8Array): Promise<SluiceError> {
  try {
    await readText(name, content)
  } catch (error) {
    assert.ok(error instanceof SluiceError, String(error))
    assert.equal(error.code, 'SLUICE_CAPTURE_FORMAT')
    return error
  }
  return assert.fail(`${name} was accepted`)
}

const text = (captured: Captured | undefined): string =>
  Buffer.from(captured?.data ?? []).toString()
const FRAME = '{"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT"}}'

test('nanosecond lines: combined, raw with a name, and a depth reply, bytes untouched', async () => {
  const odd = '{ "stream" : 1 , "p":"1.10" }'
  const all = await readText(
    'nanos.raw',
    `1723161253937085768 ${FRAME}\n\n` +
      `1723161253937085769 这是测试币456@trade ${odd}\r\n` +
      '1723161253937085770 {"lastUpdateId":1,"bids":[],"asks":[]}'
  )
  assert.deepEqual(
    all.map(({ kind, line }) => [kind, line]),
    [
      ['frame', 1],
      ['frame', 3],
      ['reply', 4]
    ]
  )
  assert.equal(all[0]?.receivedNs, 1723161253937085768n)
  assert.equal(text(all[0]), FRAME)
  assert.equal((all[0] as CapturedFrame).combined, true)
  assert.equal((all[1] as CapturedFrame).stream, '这是测试币456@trade')
  assert.equal((all[1] as CapturedFrame).combined, false)
  assert.equal(text(all[1]), odd)
})

test('cryptofeed files: URL first, seconds, and REST replies with their URL', async () => {
  const url = 'wss://stream.example:9443/stream?streams=a@trade'
  const frames = await readText(
    'feed',
    gzipSync(`${url} <-> 1633998511.159679\n1633998512.0633569: ${FRAME}\n`)
  )
  assert.equal(frames.length, 1)
  assert.equal(frames[0]?.receivedNs, 1633998512063356900n)
  const replies = await readText(
    'http',
    'https://x/api/v3/depth?symbol=A -> 1633998512.3: {"lastUpdateId":7}\nconfiguration: {}\n'
  )
  assert.equal(replies.length, 1)
  assert.equal(replies[0]?.kind === 'reply' && replies[0].url, 'https://x/api/v3/depth?symbol=A')
})

test('ndjson: frames, REST rows, documentation samples of streams only', async () => {
  const all = await readText(
    'lines.ndjson',
    `${FRAME}\n` +
      '{"path":"/api/v3/depth","query":"symbol=A","body":{"lastUpdateId": 3}}\n' +
      '{"kind":"stream","stream":"<symbol>@trade","payload":{"e":"trade","s":"BNBBTC"}}\n' +
      '{"kind":"control-response","stream":"x","payload":{"result":null,"id":1}}\n' +
      '[{"e":"24hrMiniTicker"}]\n'
  )
  assert.deepEqual(
    all.map((each) => [each.kind, text(each)]),
    [
      ['frame', FRAME],
      ['reply', '{"lastUpdateId": 3}'],
      ['frame', '{"e":"trade","s":"BNBBTC"}'],
      ['frame', '[{"e":"24hrMiniTicker"}]']
    ]
  )
  assert.equal((all[2] as CapturedFrame).stream, 'bnbbtc@trade')
})

test('a malformed line is named by its number', async () => {
  const good = `1723161253937085768 ${FRAME}\n`
  assert.match(
    (await failure('half', `${good}${good}${good.slice(0, 60)}`)).message,
    /line 3: not a JSON/
  )
  assert.match(
    (await failure('time', `${good}17231 ${FRAME}\n`)).message,
    /line 2: expected a receive time/
  )
  assert.match((await failure('none', 'hello\n')).message, /line 1: no known capture format/)
  assert.match((await failure('json', `${FRAME}\n{"a":\n`)).message, /line 2/)
  assert.match(
    (await failure('feed2', 'wss://x\n1633998512.0: {"a":1}\nnonsense\n')).message,
    /line 3/
  )
  assert.equal((await failure('empty-name', `${good}1723161253937085768  {}\n`)).context['line'], 2)
})

test('damaged, exploding and endless files are refused with little memory', async () => {
  const cut = gzipSync(`1723161253937085768 ${FRAME}\n`.repeat(2000))
  assert.match((await failure('cut.gz', cut.subarray(0, cut.length - 20))).message, /line \d+/)
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))
  assert.match((await failure('bomb.gz', bomb)).message, /expands more than 200 times/)
  const path = join(folder, 'endless')
  await writeFile(path, '1723161253937085768 {')
  // Sparse: seventeen million zero bytes and no newline.
  await truncate(path, 17 * 1024 * 1024 + 100)
  await assert.rejects(read(path), /longer than 16777216 bytes/)
  await assert.rejects(read(folder), /not a file/)
  await assert.rejects(read(join(folder, 'missing')), /ENOENT/)
})

for (const name of ['own.raw', 'own.raw.gz']) {
  test(`what the writer wrote is read back byte for byte: ${name}`, async () => {
    const path = join(folder, name)
    const writer = new CaptureWriter(path)
    const frames = Array.from({ length: 3000 }, (_, index) => ({
      receivedNs: 1_767_571_200_000_000_000n + BigInt(index),
      stream: index % 2 === 0 ? null : '这是测试币456@depth5',
      data: Buffer.from(
        index % 2 === 0 ? FRAME.replace('BTC', `X${index}`) : `{"lastUpdateId":${index}}`
      )
    }))
    for (const frame of frames) if (!writer.write(frame)) await writer.drained()
    writer.write({ receivedNs: 1n, stream: null, data: Buffer.from('{"a":\n1}') })
    await writer.close()
    assert.equal(writer.frames, 3000)
    assert.equal(writer.skipped, 1)
    const all = await read(path)
    assert.deepEqual(
      all.map((each) => [each.kind, each.receivedNs, (each as CapturedFrame).stream, text(each)]),
      frames.map((each) => ['frame', each.receivedNs, each.stream, each.data.toString()])
    )
  })
}

test('a file that cannot be written is an error, not a silence', async () => {
  const writer = new CaptureWriter(join(folder, 'no', 'such', 'folder'))
  writer.write({ receivedNs: 1n, stream: null, data: Buffer.from('{}') })
  await assert.rejects(writer.close(), /writing capture/)
})

const KNOWN: readonly (readonly [string, number, number])[] = [
  ['spot_btcusdt_20240808.raw.gz', 41_248, 1],
  ['spot_btcusdt_20240809.raw.gz', 58_325, 0],
  ['usdm_btcusdt_20240808.raw.gz', 93_953, 1],
  ['cryptofeed/BINANCE.ws.1.0.gz', 265, 0],
  ['cryptofeed/BINANCE_TR.ws.1.0.gz', 139, 0],
  ['cryptofeed/BINANCE.http.0.0.gz', 0, 4],
  ['gct/spot_streams.ndjson', 22, 0],
  ['gct/rest-responses.ndjson.gz', 0, 19]
]
for (const [name, frames, replies] of KNOWN) {
  const path = join(RECORDINGS, name)
  test(`recording ${name}`, { skip: existsSync(path) ? false : `${path} is absent` }, async () => {
    const count = { frame: 0, reply: 0 }
    for await (const captured of readCapture(path)) count[captured.kind] += 1
    assert.deepEqual(count, { frame: frames, reply: replies })
  })
}
