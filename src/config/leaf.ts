/** How one configuration value is described. The schema is a tree of these, typed by what it yields. */

export type LeafKind =
  | 'text'
  | 'integer'
  | 'boolean'
  | 'choice'
  | 'url'
  | 'brokers'
  | 'list'
  | 'map'
  | 'subscriptions'

export interface Leaf<T> {
  readonly kind: LeafKind
  readonly default: T
  readonly doc: string
  /** How the documentation words a default that depends on the machine or on other values. */
  readonly defaultText?: string
  readonly secret?: boolean
  /** Further variables that set it; `SLUICE_…` of the path beats them, then in this order. */
  readonly aliases?: readonly string[]
  /** Integers: inclusive. */
  readonly min?: number
  readonly max?: number
  readonly powerOfTwo?: boolean
  readonly choices?: readonly string[]
  /** URLs: accepted schemes, without the colon. */
  readonly schemes?: readonly string[]
  /** Text: what it must match, and how that is said. */
  readonly pattern?: RegExp
  readonly patternText?: string
  readonly mayBeEmpty?: boolean
}

export type AnyLeaf = Leaf<unknown>
export type SchemaNode = AnyLeaf | SchemaTree
export interface SchemaTree {
  readonly [key: string]: SchemaNode
}

/** A schema that yields exactly `T`; free maps and lists are leaves. */
export type SchemaOf<T> = {
  readonly [K in keyof T]-?: T[K] extends string | number | boolean | readonly unknown[]
    ? Leaf<T[K]>
    : string extends keyof T[K]
      ? Leaf<T[K]>
      : SchemaOf<T[K]>
}

export function isLeaf(node: SchemaNode): node is AnyLeaf {
  return typeof node['kind'] === 'string'
}

type Extra<T> = Partial<Omit<Leaf<T>, 'kind' | 'default' | 'doc'>>

export function text(value: string, doc: string, extra: Extra<string> = {}): Leaf<string> {
  return { kind: 'text', default: value, doc, ...extra }
}

export function integer(value: number, doc: string, extra: Extra<number>): Leaf<number> {
  return { kind: 'integer', default: value, doc, ...extra }
}

export function flag(value: boolean, doc: string, extra: Extra<boolean> = {}): Leaf<boolean> {
  return { kind: 'boolean', default: value, doc, ...extra }
}

export function choice<const C extends string>(
  value: NoInfer<C>,
  choices: readonly C[],
  doc: string
): Leaf<C> {
  return { kind: 'choice', default: value, choices, doc }
}

export function list(value: readonly string[], doc: string, extra: Extra<readonly string[]> = {}) {
  return { kind: 'list', default: value, doc, ...extra } satisfies Leaf<readonly string[]>
}

/** `a.b.camelCase` → `SLUICE_A_B_CAMEL_CASE`. */
export function variableOf(path: string): string {
  const snake = path
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[.-]/g, '_')
    .toUpperCase()
  return `SLUICE_${snake}`
}

/** Every leaf of a tree with its dotted path, in the schema's order. */
export function leavesOf(tree: SchemaTree, prefix = ''): Map<string, AnyLeaf> {
  const leaves = new Map<string, AnyLeaf>()
  for (const [key, node] of Object.entries(tree)) {
    const path = prefix === '' ? key : `${prefix}.${key}`
    if (isLeaf(node)) leaves.set(path, node)
    else for (const [inner, leaf] of leavesOf(node, path)) leaves.set(inner, leaf)
  }
  return leaves
}
