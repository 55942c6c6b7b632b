import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { builtInAdapters, loadAdapter } from '../../../src/adapters/registry.ts'

let directory = ''
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'adapters-'))
  const binance = new URL('../../../src/adapters/binance/adapter.js', import.meta.url).href
  const modules: Record<string, string> = {
    'good.mjs': `import { createAdapter as create } from '${binance}'
      export const createAdapter = (name) => ({ ...create(name), exchange: name + '-own' })`,
    'default.mjs': `import { createAdapter } from '${binance}'\nexport default createAdapter`,
    'old.mjs': `import { createAdapter as create } from '${binance}'
      export const createAdapter = (name) => ({ ...create(name), apiVersion: 0 })`,
    'partial.mjs': `import { createAdapter as create } from '${binance}'
      export const createAdapter = (name) => ({ ...create(name), probe: undefined, limits: undefined })`,
    'empty.mjs': 'export const something = 1',
    'throws.mjs': `export const createAdapter = () => { throw new Error('no key') }`,
    'syntax.mjs': 'export const ='
  }
  for (const [name, text] of Object.entries(modules)) {
    await writeFile(path.join(directory, name), text)
  }
})
after(() => rm(directory, { recursive: true }))

const load = (module: string) => loadAdapter({ name: 'mine', module, directory })

test('the built-in adapter carries the name it is configured under', async () => {
  assert.deepEqual(builtInAdapters(), ['binance'])
  assert.equal((await load('binance')).exchange, 'mine')
})

test('modules load by relative path, absolute path and default export', async () => {
  assert.equal((await load('./good.mjs')).exchange, 'mine-own')
  assert.equal((await load(path.join(directory, 'good.mjs'))).exchange, 'mine-own')
  assert.equal((await load(new URL('default.mjs', `file://${directory}/`).href)).exchange, 'mine')
  assert.ok(fileURLToPath(`file://${directory}/`))
})

test('what cannot be used is refused, saying what is wrong', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['./old.mjs', /its apiVersion is 0, needed is 1/],
    ['./partial.mjs', /it lacks probe, limits/],
    ['./empty.mjs', /it exports no function createAdapter/],
    ['./throws.mjs', /createAdapter failed: no key/],
    ['./syntax.mjs', /loading failed/],
    ['./missing.mjs', /loading failed/],
    ['binanse', /loading failed.*built in is binance/s],
    ['', /no module is configured; built in: binance/]
  ]
  for (const [module, message] of cases) {
    await assert.rejects(load(module), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'SLUICE_EXCHANGE_UNKNOWN', module)
      assert.match(error.message, message)
      assert.match(error.message, /^loading adapter mine from /)
      return true
    })
  }
})
