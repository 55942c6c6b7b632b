import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { leavesOf, variableOf } from '../../../src/config/leaf.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { buildSchema } from '../../../src/config/schema.ts'

const root = new URL('../../../../', import.meta.url)
const file = (name: string): string => fileURLToPath(new URL(`config/${name}.yaml`, root))
const machine = { cores: 4, terminal: false }

describe('the configuration files', () => {
  for (const name of ['default', 'development', 'production', 'soak']) {
    it(`${name} is valid`, () => {
      loadConfig({ files: [file(name)], environment: {}, machine })
    })
  }

  it('default changes nothing, alone or below others', () => {
    const without = loadConfig({ environment: {}, machine })
    assert.deepEqual(loadConfig({ files: [file('default')], environment: {}, machine }), without)
    const environment = { SLUICE_KAFKA_TOPIC: 'market.{type}' }
    assert.deepEqual(
      loadConfig({ files: [file('default')], environment, machine }),
      loadConfig({ environment, machine })
    )
  })

  it('the example environment is valid and names only variables that exist', () => {
    const text = readFileSync(new URL('.env.example', root), 'utf8')
    const pairs = text
      .split('\n')
      .map((line) => /^#?(SLUICE_\w+)=(.*)$/.exec(line))
      .filter((match) => match !== null)
      .map((match) => [match[1], match[2]] as const)
    assert.ok(pairs.length > 10)
    loadConfig({ environment: Object.fromEntries(pairs), machine })
  })

  it('no two keys share a variable', () => {
    const names = [...leavesOf(buildSchema(machine, []))].flatMap(([path, leaf]) => [
      variableOf(path),
      ...(leaf.aliases ?? [])
    ])
    assert.equal(new Set(names).size, names.length)
  })
})
