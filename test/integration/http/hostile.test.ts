import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import { SluiceError } from '../../../src/core/errors.ts'
import { ask, type Fixture, raw, startServer } from './fixture.ts'

let fixture: Fixture
before(async () => {
  fixture = await startServer()
})
after(() => fixture.server.close())

const alive = async (): Promise<void> => {
  fixture.control.fault = null
  assert.equal((await ask(fixture.port, '/livez')).status, 200)
}

const post = (headers: string, body = ''): string =>
  `POST /api/v1/subscriptions HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${body}`

describe('bodies', () => {
  it('that announce too much get 413 at once', async () => {
    const answer = await raw(fixture.port, post('Content-Length: 10000000000\r\n', 'x'))
    assert.match(answer, /^HTTP\/1\.1 413 /)
    assert.match(answer, /connection: close/i)
    await alive()
  })

  it('that turn out too large get 413, chunked too', async () => {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
    const headers = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n'
    assert.match(await raw(fixture.port, post(headers, chunk.repeat(8))), /^HTTP\/1\.1 413 /)
    await alive()
  })

  it('whose length is ambiguous are refused', async () => {
    const two = 'Content-Length: 2\r\nContent-Length: 3\r\n'
    assert.match(await raw(fixture.port, post(two, '{}')), /^HTTP\/1\.1 400 /)
    const both = 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n'
    assert.match(await raw(fixture.port, post(both, '{}')), /^HTTP\/1\.1 400 /)
    await alive()
  })

  it('may come byte by byte', async () => {
    const body = '{"channels":["trade"],"symbols":["AAA"]}'
    const received = await new Promise<string>((resolve) => {
      const head = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
      const socket = net.connect(fixture.port, '127.0.0.1', () => {
        socket.setNoDelay(true)
        socket.write(post(head))
        let index = 0
        const next = (): void => {
          if (index < body.length) socket.write(body[index++] ?? '', () => setImmediate(next))
        }
        next()
      })
      socket.once('data', (data) => {
        socket.destroy()
        resolve(data.toString())
      })
    })
    assert.match(received, /^HTTP\/1\.1 200 OK/)
  })
})

describe('clients that leave', () => {
  it('at any byte of a request do no harm', async () => {
    const request = post('Content-Type: application/json\r\nContent-Length: 9\r\n', '{"a":"b"}')
    for (let length = 1; length < request.length; length++) {
      await new Promise<void>((resolve) => {
        const socket = net.connect(fixture.port, '127.0.0.1', () => {
          socket.write(request.slice(0, length), () => socket.resetAndDestroy())
        })
        socket.on('error', () => undefined)
        socket.on('close', () => resolve())
      })
    }
    await alive()
  })

  it('while a slow handler works do no harm, nor when it throws afterwards', async () => {
    for (const fails of [false, true]) {
      let release = (): void => undefined
      const entered = new Promise<void>((enter) => {
        fixture.control.fault = () =>
          new Promise<void>((resolve, reject) => {
            release = () => (fails ? reject(new Error('late')) : resolve())
            enter()
          })
      })
      const socket = net.connect(fixture.port, '127.0.0.1', () => {
        socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
      })
      await entered
      await new Promise<void>((resolve) => {
        socket.on('close', () => resolve())
        socket.destroy()
      })
      await new Promise((resolve) => setImmediate(resolve))
      release()
      await new Promise((resolve) => setImmediate(resolve))
      await alive()
    }
  })
})

describe('the listening socket', () => {
  it('is refused on a taken port with a clear error', async () => {
    await assert.rejects(startServer({ port: fixture.port }), (error: unknown) => {
      assert.ok(error instanceof SluiceError)
      assert.equal(error.code, 'SLUICE_HTTP_LISTEN')
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${fixture.port}: the port is taken`))
      return true
    })
  })

  it('closes with its connections, and may be closed again', async () => {
    const other = await startServer()
    const socket = net.connect(other.port, '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    assert.equal((await ask(other.port, '/livez')).status, 200)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    other.server.close()
    other.server.close()
    await closed
    await assert.rejects(ask(other.port, '/livez'), /ECONNREFUSED/)
  })
})

describe('connections', () => {
  it('beyond the limits are cut, and count again when others leave', async () => {
    const small = await startServer({ connectionsMax: 3 })
    const connect = (): Promise<net.Socket> =>
      new Promise((resolve) => {
        const socket = net.connect(small.port, '127.0.0.1', () => resolve(socket))
        socket.on('error', () => undefined)
      })
    const held = [await connect(), await connect(), await connect()]
    assert.equal(await raw(small.port, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'), '')
    assert.ok(small.server.stats().connectionsRefused >= 1)
    for (const socket of held) {
      await new Promise<void>((resolve) => {
        socket.on('close', () => resolve())
        socket.destroy()
      })
    }
    let status = 0
    for (let attempt = 0; attempt < 100 && status !== 200; attempt++) {
      status = (await ask(small.port, '/livez').catch(() => ({ status: 0 }))).status
    }
    assert.equal(status, 200)
    small.server.close()
  })
})
