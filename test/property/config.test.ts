import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { ConfigError } from '../../src/config/config-error.ts'
import { leavesOf, variableOf } from '../../src/config/leaf.ts'
import { loadConfig } from '../../src/config/load.ts'
import { maskedConfig } from '../../src/config/mask.ts'
import { buildSchema } from '../../src/config/schema.ts'
import { parseYaml } from '../../src/config/yaml-source.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const machine = { cores: 4, terminal: false }
const paths = [...leavesOf(buildSchema(machine, [])).keys()]
const before = Object.getOwnPropertyNames(Object.prototype).join()

const nasty = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    '__proto__',
    '{"__proto__":{"x":1}}',
    '[[',
    'null',
    '1e999',
    '-0',
    'off',
    '🦆',
    '\u0000'
  ),
  fc.integer().map(String),
  fc.json({ maxDepth: 2 })
)
const keys = fc.oneof(
  fc.constantFrom(...paths),
  fc.constantFrom(...paths).map((path) => path.slice(0, -1)),
  fc.constantFrom(
    '__proto__.x',
    'constructor.prototype.x',
    'kafka.librdkafka.a.b',
    'adapters.x.module'
  ),
  fc.string({ maxLength: 20 })
)

/** Loads, or says in whole lines what is wrong; nothing else may happen. */
function tryLoad(inputs: { sets?: string[]; environment?: Record<string, string> }): void {
  try {
    const config = loadConfig({ environment: {}, machine, ...inputs })
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.kafka.librdkafka))
    JSON.stringify(maskedConfig(config))
  } catch (error) {
    assert.ok(error instanceof ConfigError, `SEED=${seed} ${(error as Error).stack}`)
    assert.ok(error.problems.length > 0)
    for (const problem of error.problems) {
      const controls = [...problem].filter((character) => character < ' ' || character === '\u009b')
      assert.deepEqual(controls, [], `SEED=${seed}: ${JSON.stringify(problem)}`)
    }
  }
  assert.equal(Object.getOwnPropertyNames(Object.prototype).join(), before)
}

it('any flags are taken or refused in clear lines', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, nasty), { maxLength: 4 }), (pairs) => {
      tryLoad({ sets: pairs.map(([key, value]) => `${key}=${value}`) })
    }),
    { seed, numRuns: 300 }
  )
})

it('any environment is taken or refused in clear lines', () => {
  const name = fc.oneof(
    fc.constantFrom(...paths).map(variableOf),
    fc.constantFrom('SLUICE_X', 'SLUICE_KAFKA_LIBRDKAFKA_A', 'SLUICE_ADMIN_TOKEN_FILE', 'SYMBOLS')
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, nasty), { maxLength: 4 }), (pairs) => {
      tryLoad({ environment: Object.fromEntries(pairs) })
    }),
    { seed, numRuns: 300 }
  )
})

it('any text is YAML or an error with its line', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'grapheme' }), (text) => {
      const problems: string[] = []
      const parsed = parseYaml('x.yaml', text, problems)
      if (parsed === null) assert.match(problems[0] ?? '', /^x\.yaml/, `SEED=${seed}`)
    }),
    { seed, numRuns: 500 }
  )
})
