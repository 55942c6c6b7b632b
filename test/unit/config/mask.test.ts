import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse, stringify } from 'yaml'
import { cgroupQuota, usableCores } from '../../../src/config/cores.ts'
import { variableOf } from '../../../src/config/leaf.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { maskedConfig, secretsOf } from '../../../src/config/mask.ts'

const CANARIES = ['canary-admin', 'canary-ingest', 'canary-key', 'canary-secret', 'canary-sasl']
const config = loadConfig({
  environment: {
    SLUICE_ADMIN_TOKEN: 'canary-admin',
    SLUICE_INGEST_TOKEN: 'canary-ingest',
    SLUICE_BINANCE_API_KEY: 'canary-key',
    SLUICE_BINANCE_SECRET_KEY: 'canary-secret',
    SLUICE_KAFKA_LIBRDKAFKA_SASL_PASSWORD: 'canary-sasl',
    SLUICE_KAFKA_LIBRDKAFKA_SASL_USERNAME: 'somebody'
  }
})

describe('masked configuration', () => {
  it('shows no secret, and that one is set', () => {
    const shown = JSON.stringify(maskedConfig(config))
    for (const canary of CANARIES) {
      assert.ok(JSON.stringify(config).includes(canary))
      assert.ok(!shown.includes(canary), canary)
    }
    assert.equal(maskedConfig(config).admin.token, '***')
    assert.equal(maskedConfig(loadConfig({ environment: {} })).admin.token, '')
    assert.equal(maskedConfig(config).kafka.librdkafka['sasl.username'], 'somebody')
  })

  it('lists every secret for the logger', () => {
    assert.deepEqual(new Set(secretsOf(config)), new Set(CANARIES))
  })

  it('keeps everything else', () => {
    const plain = loadConfig({ environment: {} })
    assert.deepEqual(parse(stringify(maskedConfig(plain))), JSON.parse(JSON.stringify(plain)))
  })
})

it('paths become variables', () => {
  assert.equal(variableOf('kafka.topicPartitions'), 'SLUICE_KAFKA_TOPIC_PARTITIONS')
  assert.equal(variableOf('adapters.binance-usdm.wsUrl'), 'SLUICE_ADAPTERS_BINANCE_USDM_WS_URL')
  assert.equal(
    variableOf('adapters.binance.connectsPer5Minutes'),
    'SLUICE_ADAPTERS_BINANCE_CONNECTS_PER5_MINUTES'
  )
  assert.equal(variableOf('drainSeconds'), 'SLUICE_DRAIN_SECONDS')
})

describe('cores', () => {
  const files = (table: Record<string, string>) => ({ read: (path: string) => table[path] ?? null })

  it('are the smaller of affinity and quota', () => {
    assert.equal(usableCores(8, files({})), 8)
    assert.equal(usableCores(8, files({ '/sys/fs/cgroup/cpu.max': '250000 100000\n' })), 2)
    assert.equal(usableCores(2, files({ '/sys/fs/cgroup/cpu.max': '800000 100000\n' })), 2)
    assert.equal(usableCores(8, files({ '/sys/fs/cgroup/cpu.max': '50000 100000\n' })), 1)
    assert.equal(usableCores(8, files({ '/sys/fs/cgroup/cpu.max': 'max 100000\n' })), 8)
  })

  it('obey the narrowest cgroup on the way up, and version 1', () => {
    const nested = files({
      '/proc/self/cgroup': '0::/a/b\n',
      '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/a/cpu.max': '300000 100000\n'
    })
    assert.equal(cgroupQuota(nested), 3)
    const first = files({
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '150000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n'
    })
    assert.equal(cgroupQuota(first), 1.5)
  })
})
