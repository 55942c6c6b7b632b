/** The environment as settings: one variable per leaf, aliases, `…_FILE` for secrets. */
import { readFileSync } from 'node:fs'
import { nearest } from '../core/nearest.ts'
import { ADAPTER_NAME } from './adapter-schema.ts'
import { type AnyLeaf, variableOf } from './leaf.ts'
import {
  isSecretProperty,
  type Layer,
  MAP_KEY_SEPARATOR,
  type Setting,
  type Vocabulary
} from './settings.ts'
import { valueOfText } from './value.ts'
import { setLeaf } from './yaml-source.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Ours, but no configuration: the list of files, and where the recordings of the test suite are. */
const OTHER_VARIABLES = new Set(['SLUICE_CONFIG', 'SLUICE_RECORDINGS'])
const TEST_PREFIX = 'SLUICE_TEST_'
/** Kubernetes puts these into every container beside a Service that is called `sluice`. */
const SERVICE_LINK = /^SLUICE_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_\d+_(?:TCP|UDP)(?:_\w+)?)$/
const SECRET_FILE_BYTES_MAX = 65_536

function isOthers(name: string, value: string): boolean {
  if (!name.startsWith('SLUICE_') || name.startsWith(TEST_PREFIX)) return true
  if (OTHER_VARIABLES.has(name) || SERVICE_LINK.test(name)) return true
  return name === 'SLUICE_PORT' && /^(?:tcp|udp):\/\//.test(value)
}

/** Adapters that only the environment names: `SLUICE_ADAPTERS_KRAKEN_MODULE`. */
export function adaptersOfEnvironment(environment: Environment): string[] {
  return Object.keys(environment).flatMap((name) => {
    const upper = /^SLUICE_ADAPTERS_([A-Z0-9_]+)_MODULE$/.exec(name)?.[1]
    const adapter = upper?.toLowerCase().replaceAll('_', '-')
    return adapter !== undefined && ADAPTER_NAME.test(adapter) ? [adapter] : []
  })
}

/** An adapter of a file may be called what a variable cannot say; both spellings must meet. */
export function sameVariable(known: Iterable<string>, adapter: string): boolean {
  for (const name of known) if (variableOf(name) === variableOf(adapter)) return true
  return false
}

interface Variable {
  readonly path: string
  readonly leaf: AnyLeaf
  /** 0 = the variable of the path, then the aliases. */
  readonly priority: number
}

function variablesOf(leaves: ReadonlyMap<string, AnyLeaf>): Map<string, Variable> {
  const variables = new Map<string, Variable>()
  for (const [path, leaf] of leaves) {
    const names = [variableOf(path), ...(leaf.aliases ?? [])]
    names.forEach((name, priority) => {
      variables.set(name, { path, leaf, priority })
    })
  }
  return variables
}

/** An empty variable counts as not set: that is what `${NAME:-}` in a compose file means. */
export function environmentLayer(
  environment: Environment,
  vocabulary: Vocabulary,
  context: { readonly rank: number; readonly problems: string[] }
): Layer {
  const { problems, rank } = context
  const variables = variablesOf(vocabulary.leaves)
  const best = new Map<string, number>()
  const layer: Layer = new Map()
  const put = (variable: Variable, text: string, origin: string): void => {
    if ((best.get(variable.path) ?? Number.POSITIVE_INFINITY) < variable.priority) return
    best.set(variable.path, variable.priority)
    const value = valueOfText(variable.leaf, text)
    const isMap = variable.leaf.kind === 'map'
    setLeaf(layer, { path: variable.path, value, isMap }, { origin, rank })
  }
  for (const [name, text] of Object.entries(environment).sort()) {
    if (text === undefined || text === '') continue
    const variable = variables.get(name)
    if (variable !== undefined) {
      const fileToo = variable.leaf.secret === true && environment[`${name}_FILE`]
      if (fileToo) problems.push(`${name}: ${name}_FILE is set too; set only one of them`)
      put(variable, text, name)
      continue
    }
    const ofSecret = name.endsWith('_FILE') ? variables.get(name.slice(0, -5)) : undefined
    if (ofSecret?.leaf.secret === true) {
      const content = readSecret(name, text, problems)
      if (content !== null) put(ofSecret, content, name)
      continue
    }
    if (putProperty(layer, name, text, { vocabulary, problems, rank })) continue
    if (isOthers(name, text)) continue
    problems.push(
      `unknown variable ${name}; the nearest known one is ${nearestVariable(name, variables)}`
    )
  }
  return layer
}

interface PropertyContext {
  readonly vocabulary: Vocabulary
  readonly problems: string[]
  readonly rank: number
}

/** `SLUICE_KAFKA_LIBRDKAFKA_SASL_PASSWORD` sets the entry `sasl.password` of that map. */
function putProperty(layer: Layer, name: string, text: string, context: PropertyContext): boolean {
  for (const [path, leaf] of context.vocabulary.leaves) {
    const prefix = `${variableOf(path)}_`
    if (leaf.kind !== 'map' || !name.startsWith(prefix) || name.length === prefix.length) continue
    let property = name.slice(prefix.length).toLowerCase().replaceAll('_', '.')
    let value: string | null = text
    const ofFile = /^(.*)\.file$/.exec(property)?.[1]
    if (ofFile !== undefined && isSecretProperty(ofFile)) {
      property = ofFile
      value = readSecret(name, text, context.problems)
    }
    if (value === null) return true
    const setting: Setting = { value, origin: name, rank: context.rank }
    layer.set(`${path}${MAP_KEY_SEPARATOR}${property}`, setting)
    return true
  }
  return false
}

function readSecret(variable: string, file: string, problems: string[]): string | null {
  try {
    const content = readFileSync(file)
    if (content.length > SECRET_FILE_BYTES_MAX) throw new Error('the file is too large')
    return content.toString('utf8').replace(/[\r\n]+$/, '')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    problems.push(`${variable}: cannot read the file: ${code}`)
    return null
  }
}

function nearestVariable(name: string, known: ReadonlyMap<string, Variable>): string {
  const candidates = [...known.keys()]
  const secrets = [...known].filter(([, variable]) => variable.leaf.secret === true)
  const files = secrets.map(([secret]) => `${secret}_FILE`)
  return nearest(name, [...candidates, ...files]) ?? ''
}
