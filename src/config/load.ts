/**
 * Builds the effective configuration: defaults < YAML files < environment < flags. Every problem of
 * every source is collected and thrown as one `ConfigError`. The only reader of `process.env`.
 */
import convict from 'convict'
import { ConfigError } from './config-error.ts'
import { usableCores } from './cores.ts'
import { derive, unavailable } from './derive.ts'
import {
  adaptersOfEnvironment,
  type Environment,
  environmentLayer,
  sameVariable
} from './env-source.ts'
import { adaptersOfFlags, flagLayer } from './flag-source.ts'
import { type AnyLeaf, isLeaf, type SchemaTree } from './leaf.ts'
import { deepFreeze } from './mask.ts'
import { buildSchema, type Machine } from './schema.ts'
import { type Layer, MAP_KEY_SEPARATOR, type Setting, vocabularyOf } from './settings.ts'
import type { SluiceConfig } from './types.ts'
import { problemOf } from './value.ts'
import { readYaml, type YamlFile, yamlLayer } from './yaml-source.ts'

export interface ConfigInputs {
  /** YAML files of `--config`, in order; without any, those of SLUICE_CONFIG. */
  readonly files?: readonly string[]
  /** `path=value` of `--set` flags. */
  readonly sets?: readonly string[]
  /** Instead of the process's environment. */
  readonly environment?: Environment
  /** Instead of this machine. */
  readonly machine?: Machine
}

const RANK_ENVIRONMENT = 1_000_000
const RANK_FLAGS = 2_000_000

/** @throws ConfigError (SLUICE_CONFIG_*) that lists everything wrong */
export function loadConfig(inputs: ConfigInputs = {}): SluiceConfig {
  const problems: string[] = []
  const environment = inputs.environment ?? process.env
  const machine = inputs.machine ?? thisMachine()
  const sets = inputs.sets ?? []
  const files = configFiles(inputs.files, environment)
    .map((name) => readYaml(name, problems))
    .filter((file): file is YamlFile => file !== null)
  const declared = [...files.flatMap((file) => file.adapters), ...adaptersOfFlags(sets)]
  const further = adaptersOfEnvironment(environment).filter((name) => !sameVariable(declared, name))
  const vocabulary = vocabularyOf(buildSchema(machine, [...declared, ...further]))
  const layers = [
    ...files.map((file, rank) => yamlLayer(file, vocabulary, { rank, problems })),
    environmentLayer(environment, vocabulary, { rank: RANK_ENVIRONMENT, problems }),
    flagLayer(sets, vocabulary, { rank: RANK_FLAGS, problems })
  ]
  const settings = mergeLayers(layers)
  const values = validated(vocabulary.tree, vocabulary.leaves, { settings, problems })
  const config = values === null ? null : derive(values, { settings, vocabulary, problems })
  if (problems.length > 0 || config === null) throw new ConfigError(problems)
  return deepFreeze(config)
}

/** Files named by `SLUICE_CONFIG`, separated by commas, where no flag names any. */
function configFiles(files: readonly string[] | undefined, environment: Environment): string[] {
  if (files !== undefined && files.length > 0) return [...files]
  const listed = (environment['SLUICE_CONFIG'] ?? '').split(',')
  return listed.map((name) => name.trim()).filter((name) => name !== '')
}

export function thisMachine(): Machine {
  return { cores: usableCores(), terminal: process.stderr.isTTY === true }
}

/** The last layer that names a leaf wins; entries of free maps win one by one. */
function mergeLayers(layers: readonly Layer[]): Map<string, Setting> {
  const merged = new Map<string, Setting>()
  for (const layer of layers) for (const [path, setting] of layer) merged.set(path, setting)
  return merged
}

interface Collected {
  readonly settings: ReadonlyMap<string, Setting>
  readonly problems: string[]
}

/**
 * The values through convict: defaults, strict keys, formats. Free maps go beside it, because convict
 * takes every entry of a map for a key of its own. Null when there were problems.
 */
function validated(
  tree: SchemaTree,
  leaves: ReadonlyMap<string, AnyLeaf>,
  { settings, problems }: Collected
): SluiceConfig | null {
  let wrong = 0
  for (const [path, { value, origin }] of settings) {
    const leafPath = path.split(MAP_KEY_SEPARATOR)[0] ?? path
    const leaf = leaves.get(leafPath)
    if (leaf === undefined) continue
    const judged = path === leafPath ? value : { [path.slice(leafPath.length + 1)]: value }
    const problem = problemOf(leaf, judged)
    if (problem !== null) wrong += 1
    // What is not built yet is no reason to keep the other findings back, nor they to keep this back.
    const said = problem ?? unavailable(path, value)
    if (said !== null) problems.push(`${origin}: ${leafPath} ${said}`)
  }
  if (wrong > 0) return null
  const parser = convict(convictSchema(tree), { env: {}, args: [] })
  try {
    parser.load(nested(leaves, settings))
    parser.validate({ allowed: 'strict' })
  } catch (error) {
    problems.push((error as Error).message)
    return null
  }
  const values = parser.getProperties() as unknown as SluiceConfig
  const librdkafka = mapAt('kafka.librdkafka', settings)
  return { ...values, kafka: { ...values.kafka, librdkafka } }
}

function convictSchema(tree: SchemaTree): convict.Schema<Record<string, unknown>> {
  const entries = Object.entries(tree).map(([key, node]) => {
    if (!isLeaf(node)) return [key, convictSchema(node)]
    const format = (value: unknown): void => {
      const problem = value === node.default ? null : problemOf(node, value)
      if (problem !== null) throw new Error(problem)
    }
    return [key, { default: node.default, doc: node.doc, sensitive: node.secret === true, format }]
  })
  return Object.fromEntries(entries)
}

function nested(
  leaves: ReadonlyMap<string, AnyLeaf>,
  settings: ReadonlyMap<string, Setting>
): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const path of leaves.keys()) {
    const setting = settings.get(path)
    if (setting === undefined) continue
    const keys = path.split('.')
    const last = keys.pop() ?? ''
    let section = root
    for (const key of keys) {
      section[key] ??= {}
      section = section[key] as Record<string, unknown>
    }
    section[last] = setting.value
  }
  return root
}

function mapAt(path: string, settings: ReadonlyMap<string, Setting>): Record<string, string> {
  const prefix = `${path}${MAP_KEY_SEPARATOR}`
  const entries = [...settings].filter(([key]) => key.startsWith(prefix))
  return Object.fromEntries(
    entries.map(([key, { value }]) => [key.slice(prefix.length), String(value)])
  )
}
