/** Values on their way from the sources to the configuration: flat, with who said them. */
import type { AnyLeaf, SchemaTree } from './leaf.ts'
import { leavesOf } from './leaf.ts'

/** Names outside `SLUICE_` paths that secrets inside free maps go by. */
const SECRET_PROPERTY = /password|secret|passphrase|token|\.pem$|oauthbearer\.config$/

export function isSecretProperty(key: string): boolean {
  return SECRET_PROPERTY.test(key)
}

export interface Setting {
  readonly value: unknown
  /** As an error names it: `config/soak.yaml:12`, `SLUICE_HTTP_PORT`, `--set http.port`. */
  readonly origin: string
  /** Precedence of its source; the higher wins. */
  readonly rank: number
}

/** One source's values by leaf path; entries of free maps by `path` + '\n' + key. */
export type Layer = Map<string, Setting>

export const MAP_KEY_SEPARATOR = '\n'

export interface Vocabulary {
  readonly tree: SchemaTree
  readonly leaves: ReadonlyMap<string, AnyLeaf>
  readonly adapters: ReadonlySet<string>
}

export function vocabularyOf(tree: SchemaTree): Vocabulary {
  const adapters = new Set(Object.keys(tree['adapters'] ?? {}))
  return { tree, leaves: leavesOf(tree), adapters }
}
