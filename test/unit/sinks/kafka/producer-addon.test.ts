import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { SluiceError } from '../../../../src/core/errors.ts'
import { loadProducerAddon } from '../../../../src/sinks/kafka/producer-addon.ts'

/** Where Debian keeps its own, older librdkafka, when it is installed. */
const SYSTEM_LIBRARY = '/usr/lib/x86_64-linux-gnu/librdkafka.so.1'
const MODULE = new URL('../../../../src/sinks/kafka/producer-addon.js', import.meta.url).href

const failsWith =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof SluiceError &&
    error.code === code &&
    error.message.includes('npm run build:native')

describe('producer addon', () => {
  it('says how to build it when it is missing', () => {
    assert.throws(
      () => loadProducerAddon('/nowhere/producer.node'),
      failsWith('SLUICE_NATIVE_MISSING')
    )
  })

  it('says how to build it again when it cannot be loaded', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-addon-'))
    const path = join(folder, 'producer.node')
    writeFileSync(path, 'not a library')
    try {
      assert.throws(() => loadProducerAddon(path), failsWith('SLUICE_NATIVE_MISMATCH'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('finds the librdkafka it was built with', () => {
    assert.match(loadProducerAddon().librdkafkaVersion, /^2\.\d+\.\d+/)
  })

  it('refuses another librdkafka', { skip: !existsSync(SYSTEM_LIBRARY) }, () => {
    const script = `import(${JSON.stringify(MODULE)}).then((m) => m.loadProducerAddon())
      .then(() => console.log('loaded'), (e) => console.log(e.code, e.message))`
    const { stdout } = spawnSync(process.execPath, ['-e', script], {
      env: { ...process.env, LD_PRELOAD: SYSTEM_LIBRARY },
      encoding: 'utf8'
    })
    assert.match(stdout, /^SLUICE_NATIVE_MISMATCH .*built for librdkafka .*npm run build:native/)
  })
})
