import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { table } from '../../../src/cli/doctor.ts'
import {
  brokerAddress,
  clockOutcome,
  nodeVersion,
  openFiles
} from '../../../src/cli/doctor-checks.ts'

describe('doctor', () => {
  it('judges the Node version as engines does', () => {
    for (const good of ['20.20.0', '20.20.2', '22.22.0', '24.1.0']) {
      assert.equal(nodeVersion(good).state, 'ok', good)
    }
    for (const bad of ['18.20.0', '20.19.9', '21.7.0', '22.21.9']) {
      assert.equal(nodeVersion(bad).state, 'fail', bad)
    }
  })

  it('reads the file limit', () => {
    const limits = (soft: string) =>
      `Limit   Soft  Hard  Units\nMax open files   ${soft}   1048576   files\n`
    assert.equal(openFiles(limits('1024')).state, 'warn')
    assert.equal(openFiles(limits('4096')).state, 'ok')
    assert.equal(openFiles(limits('unlimited')).state, 'ok')
    assert.equal(openFiles('').state, 'warn')
  })

  it('reads broker addresses in every form', () => {
    assert.deepEqual(brokerAddress('a'), { host: 'a', port: 9092 })
    assert.deepEqual(brokerAddress('a:1'), { host: 'a', port: 1 })
    assert.deepEqual(brokerAddress('SASL_SSL://a.b:2'), { host: 'a.b', port: 2 })
    assert.deepEqual(brokerAddress('[::1]:3'), { host: '::1', port: 3 })
  })

  it('tells a wrong clock from a slow answer', () => {
    assert.equal(clockOutcome({ before: 10_000, after: 10_100, theirs: 10_050 }).state, 'ok')
    assert.match(
      clockOutcome({ before: 10_000, after: 10_000, theirs: 15_000 }).detail,
      /5000 ms behind/
    )
    assert.equal(clockOutcome({ before: 10_000, after: 10_000, theirs: 15_000 }).state, 'warn')
    assert.match(
      clockOutcome({ before: 10_000, after: 10_000, theirs: 5000 }).detail,
      /5000 ms ahead/
    )
    assert.equal(clockOutcome({ before: 10_000, after: 16_000, theirs: 10_000 }).state, 'ok')
  })

  it('lines its table up', () => {
    const text = table([
      { check: 'a', state: 'ok', detail: 'x' },
      { check: 'longer', state: 'fail', detail: 'y' }
    ])
    assert.equal(text, 'ok    a       x\nfail  longer  y\n')
  })
})
