import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { type ClientOptions, WebSocket } from 'ws'
import type { IngestRequest } from '../../../src/http/control.ts'
import { type Fixture, startServer } from './fixture.ts'

const TOKEN = 'canary-ingest-41f0'
let open: Fixture
let guarded: Fixture
before(async () => {
  open = await startServer()
  guarded = await startServer({ ingestToken: TOKEN })
})
after(() => {
  open.server.close()
  guarded.server.close()
})
afterEach(() => {
  open.control.accepting = true
})

interface Opened {
  readonly request: IngestRequest
  readonly frames: { text: string; binary: boolean }[]
  closed: number
}

/** A session that takes `credit` frames. */
function expectSession(fixture: Fixture, credit: number): Promise<Opened> {
  return new Promise((resolve) => {
    fixture.control.ingest = (request) => {
      const opened: Opened = { request, frames: [], closed: 0 }
      request.grant(credit)
      resolve(opened)
      return {
        accept: (frame, binary) => {
          if (opened.frames.length === credit) return false
          opened.frames.push({ text: Buffer.from(frame).toString('latin1'), binary })
          return true
        },
        close: () => {
          opened.closed += 1
        }
      }
    }
  })
}

const url = (fixture: Fixture, path: string): string => `ws://127.0.0.1:${fixture.port}${path}`

/** The HTTP status a client is refused with; 101 when it is not. */
function statusOf(fixture: Fixture, path: string, options: ClientOptions = {}): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url(fixture, path), options)
    socket.on('error', () => undefined)
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    socket.on('open', () => {
      socket.on('close', () => resolve(101))
      socket.close()
    })
  })
}

function closeOf(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.on('close', (code) => resolve(code)))
}

describe('ingest', () => {
  it('grants credit and hands frames over as they came', async () => {
    const session = expectSession(open, 3)
    const socket = new WebSocket(url(open, '/ingest/binance?stream=btcusdt%40trade'))
    const first = await new Promise<string>((resolve) =>
      socket.once('message', (data) => resolve(String(data)))
    )
    assert.equal(first, '{"credit":3}')
    const opened = await session
    assert.equal(opened.request.exchange, 'binance')
    assert.equal(opened.request.streamName, 'btcusdt@trade')
    const more = new Promise<string>((resolve) =>
      socket.once('message', (data) => resolve(String(data)))
    )
    socket.send('{"e":"trade"}')
    socket.send(Buffer.from([0, 255]), { binary: true })
    socket.send('', () => opened.request.grant(7))
    assert.equal(await more, '{"credit":7}')
    const closed = closeOf(socket)
    socket.close(1000)
    assert.equal(await closed, 1000)
    assert.deepEqual(opened.frames, [
      { text: '{"e":"trade"}', binary: false },
      { text: '\u0000\u00ff', binary: true },
      { text: '', binary: false }
    ])
    assert.equal(opened.closed, 1)
    // Credit that comes after the end must find nobody, not a freed socket.
    opened.request.grant(1)
  })

  it('closes a client that overruns its credit with 1013 and counts it', async () => {
    const session = expectSession(open, 2)
    const socket = new WebSocket(url(open, '/ingest/binance'))
    const opened = await session
    assert.equal(opened.request.streamName, null)
    await new Promise((resolve) => socket.once('open', resolve))
    const closed = closeOf(socket)
    for (let index = 0; index < 5; index++) socket.send(`f${index}`)
    assert.equal(await closed, 1013)
    assert.deepEqual(
      opened.frames.map((frame) => frame.text),
      ['f0', 'f1']
    )
    assert.equal(opened.closed, 1)
    assert.equal(open.server.stats().ingestRefused['overrun'], 1)
  })

  it('closes on a frame that is too large with 1009', async () => {
    const session = expectSession(open, 2)
    const socket = new WebSocket(url(open, '/ingest/binance'))
    const opened = await session
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send('x'.repeat(4096))
    const closed = closeOf(socket)
    socket.send('x'.repeat(4097))
    assert.equal(await closed, 1009)
    assert.equal(opened.frames.length, 1)
  })

  it('refuses before the upgrade', async () => {
    assert.equal(await statusOf(open, '/ingest/nobody'), 404)
    assert.equal(await statusOf(open, '/ingest/%ff'), 400)
    assert.equal(await statusOf(open, '/ingest/__proto__'), 404)
    assert.equal(await statusOf(open, '/ingest/binance?stream='), 400)
    assert.equal(await statusOf(open, `/ingest/binance?stream=${'x'.repeat(300)}`), 400)
    assert.equal(await statusOf(open, '/ingest/binance?stream=a%0Ab'), 400)
    assert.equal(await statusOf(open, '/ingest/binance', { origin: 'https://evil.example' }), 403)
    assert.equal(
      await statusOf(open, '/ingest/binance', { headers: { host: 'evil.example' } }),
      403
    )
    const forwarded = { headers: { 'x-forwarded-for': '8.8.8.8' } }
    assert.equal(await statusOf(open, '/ingest/binance', forwarded), 403)
    open.control.accepting = false
    assert.equal(await statusOf(open, '/ingest/binance'), 503)
  })

  it('takes the token as a header or in the query, and no other', async () => {
    void expectSession(guarded, 1)
    const header = { headers: { authorization: `Bearer ${TOKEN}` } }
    assert.equal(await statusOf(guarded, '/ingest/binance', header), 101)
    assert.equal(await statusOf(guarded, `/ingest/binance?token=${TOKEN}`), 101)
    assert.equal(await statusOf(guarded, '/ingest/binance'), 401)
    assert.equal(await statusOf(guarded, '/ingest/binance?token=no'), 401)
    assert.equal(await statusOf(guarded, `/ingest/nobody?token=${TOKEN}`), 404)
  })

  it('takes no more clients than allowed, and tells them when it ends', async () => {
    const small = await startServer()
    const sockets: WebSocket[] = []
    for (let index = 0; index < 4; index++) {
      const session = expectSession(small, 1)
      const socket = new WebSocket(url(small, '/ingest/binance'))
      sockets.push(socket)
      await Promise.all([session, new Promise((resolve) => socket.once('open', resolve))])
    }
    assert.equal(await statusOf(small, '/ingest/binance'), 503)
    assert.equal(small.server.stats().ingestConnections, 4)
    const codes = Promise.all(sockets.map((socket) => closeOf(socket)))
    small.server.close()
    assert.deepEqual(await codes, [1001, 1001, 1001, 1001])
    assert.equal(small.server.stats().connections, 0)
  })

  it('survives a session that throws', async () => {
    open.control.ingest = () => ({
      accept: () => {
        throw new Error('broken session')
      },
      close: () => {
        throw new Error('broken close')
      }
    })
    const socket = new WebSocket(url(open, '/ingest/binance'))
    await new Promise((resolve) => socket.once('open', resolve))
    const closed = closeOf(socket)
    socket.send('x')
    assert.equal(await closed, 1011)
    open.control.ingest = () => {
      throw new Error('broken open')
    }
    assert.equal(await closeOf(new WebSocket(url(open, '/ingest/binance'))), 1011)
  })
})
