/** Every secret of the configuration is a canary here, and no output of the running service shows one. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { Service } from '../support/service.ts'

const CANARY = 'canary-5d2e'

test('secrets appear in no log, answer or metric', { timeout: 60_000 }, async (t) => {
  const service = await Service.start({
    env: {
      SLUICE_KAFKA_BROKERS: 'embedded',
      SLUICE_ADAPTERS_BINANCE_ENABLED: 'false',
      SLUICE_ADMIN_TOKEN: `${CANARY}-admin`,
      SLUICE_INGEST_TOKEN: `${CANARY}-ingest`,
      SLUICE_BINANCE_API_KEY: `${CANARY}-key`,
      SLUICE_BINANCE_SECRET_KEY: `${CANARY}-secret`,
      SLUICE_KAFKA_LIBRDKAFKA_SASL_PASSWORD: `${CANARY}-sasl`,
      SLUICE_KAFKA_LIBRDKAFKA_DEBUG: 'conf,security,broker',
      SLUICE_LOG_LEVEL: 'debug'
    },
    waitForLiveOnly: true
  })
  t.after(() => service.kill())
  const seen: string[] = []
  for (const path of [
    '/',
    '/livez',
    '/readyz',
    '/healthz',
    '/metrics',
    '/nothing',
    '/api/v1/status',
    '/api/v1/metrics',
    '/api/v1/adapters',
    '/api/v1/subscriptions',
    '/api/v1/config',
    '/api/v1/log-level'
  ]) {
    const answer = await service.tryGet(path)
    assert.ok(answer !== null, path)
    seen.push(answer.text)
  }
  const drain = (token: string) =>
    fetch(`${service.baseUrl}/api/v1/drain`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` }
    })
  seen.push(await (await drain(`${CANARY}-admin-nearly`)).text())
  const url = `ws://127.0.0.1:${service.port}/ingest/binance?token=${CANARY}-ingest`
  const socket = new WebSocket(url)
  const credit = new Promise<string>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('message', (data) => resolve(String(data)))
  })
  seen.push(await credit)
  socket.send(`{"broken": "${'x'.repeat(100)}`)
  socket.close()
  assert.equal((await drain(`${CANARY}-admin`)).status, 202)
  assert.equal((await service.waitExit(40_000)).code, 0)
  const log = readFileSync(service.logFile, 'utf8')
  assert.match(log, /draining/, 'the log was read')
  seen.push(log)
  for (const text of seen) assert.ok(!text.includes(CANARY), text.slice(0, 2000))
})
