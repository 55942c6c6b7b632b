/** The configuration as it may be shown: secrets replaced, everything frozen. */
import { type AnyLeaf, isLeaf, type SchemaTree } from './leaf.ts'
import { buildSchema } from './schema.ts'
import { isSecretProperty } from './settings.ts'
import type { SluiceConfig } from './types.ts'

export const MASK = '***'

/** A copy with every secret that is set replaced by `***`. */
export function maskedConfig(config: SluiceConfig): SluiceConfig {
  const tree = buildSchema({ cores: 1, terminal: false }, Object.keys(config.adapters))
  return maskTree(config as unknown as Record<string, unknown>, tree) as unknown as SluiceConfig
}

/** Every secret value that is set, for the logger to hide wherever it appears. */
export function secretsOf(config: SluiceConfig): string[] {
  const adapters = Object.values(config.adapters).flatMap((entry) => [
    entry.apiKey,
    entry.secretKey
  ])
  const properties = Object.entries(config.kafka.librdkafka)
    .filter(([key]) => isSecretProperty(key))
    .map(([, value]) => value)
  const all = [config.admin.token, config.ingest.token, ...adapters, ...properties]
  return [...new Set(all.filter((secret) => secret !== ''))]
}

function maskTree(values: Record<string, unknown>, tree: SchemaTree): Record<string, unknown> {
  const entries = Object.entries(tree).map(([key, node]) => {
    const value = values[key]
    if (!isLeaf(node)) return [key, maskTree(value as Record<string, unknown>, node)]
    return [key, maskLeaf(value, node)]
  })
  return Object.fromEntries(entries)
}

function maskLeaf(value: unknown, leaf: AnyLeaf): unknown {
  if (leaf.kind === 'map') {
    const entries = Object.entries(value as Record<string, string>)
    const masked = entries.map(([key, item]) => [key, isSecretProperty(key) ? MASK : item])
    return Object.fromEntries(masked)
  }
  return leaf.secret === true && value !== '' ? MASK : value
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
