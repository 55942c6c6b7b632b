import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../../src/core/clock.ts'
import { SluiceError } from '../../../src/core/errors.ts'
import {
  Access,
  bearerToken,
  hostName,
  isLoopback,
  type RequestHead,
  sameSecret
} from '../../../src/http/access.ts'
import { HttpError, httpErrorOf } from '../../../src/http/http-error.ts'

const address = (text: string): Uint8Array => {
  if (!text.includes(':')) return Uint8Array.from(text.split('.').map(Number))
  const [left = '', right = ''] = text.split('::')
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16))
  const head = words(left)
  const tail = words(right)
  const all = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 255]))
}

describe('loopback', () => {
  it('is told from everything else in both families', () => {
    for (const own of ['127.0.0.1', '127.255.0.9', '::1', '::ffff:7f00:1']) {
      assert.equal(isLoopback(address(own)), true, own)
    }
    const others = [
      '128.0.0.1',
      '10.0.0.1',
      '0.0.0.0',
      '::2',
      '::',
      '1::1',
      '::ffff:a00:1',
      'fe80::1'
    ]
    for (const other of others) assert.equal(isLoopback(address(other)), false, other)
    assert.equal(isLoopback(new Uint8Array(0)), false)
  })
})

describe('headers', () => {
  it('give the host’s name, or nothing', () => {
    assert.equal(hostName('Example.COM:80'), 'example.com')
    assert.equal(hostName('localhost.'), 'localhost')
    assert.equal(hostName('[::1]:8080'), '::1')
    for (const bad of ['', 'a b', 'a:b', 'http://a', '[::1', 'a/b', 'a@b', 'a:1:2']) {
      assert.equal(hostName(bad), null, bad)
    }
  })

  it('give the token, or nothing', () => {
    assert.equal(bearerToken('Bearer abc'), 'abc')
    assert.equal(bearerToken('bearer  abc '), 'abc')
    for (const bad of ['', 'Bearer', 'Bearer ', 'Basic abc', 'abc', 'Bearer a b']) {
      assert.equal(bearerToken(bad), '', bad)
    }
  })

  it('compare secrets by their whole', () => {
    assert.equal(sameSecret('abc', 'abc'), true)
    for (const wrong of ['', 'ab', 'abcd', 'abd', 'ABC'])
      assert.equal(sameSecret(wrong, 'abc'), false)
  })
})

describe('guessing', () => {
  it('is slowed down for a minute, for that address only, never for the right token', () => {
    let now = 0
    const clock = { monotonicMs: () => now } as Clock
    const access = new Access({ host: '127.0.0.1', hosts: [], origins: [], clock })
    const head = (from: string): RequestHead => ({
      host: 'localhost',
      origin: '',
      fetchSite: '',
      authorization: '',
      forwarded: false,
      remoteAddress: address(from)
    })
    const status = (from: string, token: string): number => {
      try {
        access.checkToken(head(from), token, 'right')
        return 200
      } catch (error) {
        return (error as HttpError).status
      }
    }
    for (let guess = 0; guess < 10; guess++) assert.equal(status('10.0.0.1', 'wrong'), 401)
    assert.equal(status('10.0.0.1', 'wrong'), 429)
    assert.equal(status('10.0.0.1', 'right'), 200)
    assert.equal(status('10.0.0.1', 'wrong'), 429)
    assert.equal(status('10.0.0.2', 'wrong'), 401)
    assert.equal(status('10.0.0.2', 'right'), 200)
    now = 60_000
    assert.equal(status('10.0.0.1', 'wrong'), 401)
  })
})

describe('errors', () => {
  it('keep what is ours to say and hide what is not', () => {
    assert.equal(httpErrorOf(new SluiceError('SLUICE_EXCHANGE_UNKNOWN', 'no such')).status, 404)
    const bug = httpErrorOf(new SluiceError('SLUICE_INVARIANT', 'inner detail'))
    assert.equal(bug.status, 500)
    assert.ok(!bug.message.includes('inner detail'))
    assert.equal(httpErrorOf('thrown text').status, 500)
    const own = new HttpError(418, { code: 'x', message: 'y' })
    assert.equal(httpErrorOf(own), own)
  })
})
