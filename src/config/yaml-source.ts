/** One YAML file as settings; everything unknown or misplaced is reported with file and line. */
import { readFileSync, statSync } from 'node:fs'
import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml'
import { nearest } from '../core/nearest.ts'
import { ADAPTER_NAME } from './adapter-schema.ts'
import { shown } from './config-error.ts'
import { isLeaf, type SchemaTree } from './leaf.ts'
import { type Layer, MAP_KEY_SEPARATOR, type Vocabulary } from './settings.ts'
import { isForbiddenKey, isPlainObject, valueOfYaml } from './value.ts'

const FILE_BYTES_MAX = 1024 * 1024

export interface YamlFile {
  readonly name: string
  readonly root: YAMLMap | null
  /** Adapters the file names, whether known or not. */
  readonly adapters: readonly string[]
  readonly lineOf: (node: unknown) => string
}

/** Reads and parses; syntax errors go to `problems`. */
export function readYaml(name: string, problems: string[]): YamlFile | null {
  let text: string
  try {
    const stat = statSync(name)
    if (!stat.isFile()) throw new Error('not a regular file')
    if (stat.size > FILE_BYTES_MAX) throw new Error(`larger than ${FILE_BYTES_MAX} bytes`)
    text = readFileSync(name, 'utf8')
  } catch (error) {
    problems.push(`${name}: cannot read the file: ${(error as Error).message}`)
    return null
  }
  return parseYaml(name, text, problems)
}

export function parseYaml(name: string, text: string, problems: string[]): YamlFile | null {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  for (const error of document.errors) {
    problems.push(`${name}:${lines.linePos(error.pos[0]).line}: ${error.message}`)
  }
  if (document.errors.length > 0) return null
  const lineOf = (node: unknown): string => {
    const start = (node as Node | null)?.range?.[0]
    return start === undefined ? name : `${name}:${lines.linePos(start).line}`
  }
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null)) {
    return { name, root: null, adapters: [], lineOf }
  }
  if (!isMap(root)) {
    problems.push(`${lineOf(root)}: must be a map of configuration keys`)
    return null
  }
  const adapters = root.get('adapters')
  const names = isMap(adapters) ? adapters.items.map((item) => keyText(item.key)) : []
  return { name, root, adapters: names.filter((key) => ADAPTER_NAME.test(key)), lineOf }
}

/** The file's values; unknown keys go to `problems`. */
export function yamlLayer(
  file: YamlFile,
  vocabulary: Vocabulary,
  context: { readonly rank: number; readonly problems: string[] }
): Layer {
  const layer: Layer = new Map()
  const visit = (map: YAMLMap, tree: SchemaTree, prefix: string): void => {
    for (const { key, value } of map.items) {
      const name = keyText(key)
      const path = prefix === '' ? name : `${prefix}.${name}`
      const origin = file.lineOf(key)
      const node = Object.hasOwn(tree, name) && !isForbiddenKey(name) ? tree[name] : undefined
      if (node === undefined) {
        context.problems.push(`${origin}: ${unknownKey(path, tree, vocabulary)}`)
      } else if (isLeaf(node)) {
        const raw = plain(value)
        if (raw === undefined) {
          context.problems.push(`${origin}: ${path}: YAML aliases and tags are not supported here`)
          continue
        }
        setLeaf(
          layer,
          { path, value: valueOfYaml(node, raw), isMap: node.kind === 'map' },
          {
            origin,
            rank: context.rank
          }
        )
      } else if (isMap(value)) {
        visit(value, node, path)
      } else if (!(value === null || (isScalar(value) && value.value === null))) {
        context.problems.push(`${origin}: ${path} must be a map of ${Object.keys(node).join(', ')}`)
      }
    }
  }
  if (file.root !== null) visit(file.root, vocabulary.tree, '')
  return layer
}

/** Entries of a free map are settings of their own, so that maps merge. */
export function setLeaf(
  layer: Layer,
  leaf: { readonly path: string; readonly value: unknown; readonly isMap: boolean },
  said: { readonly origin: string; readonly rank: number }
): void {
  if (!leaf.isMap || !isPlainObject(leaf.value)) {
    layer.set(leaf.path, { ...said, value: leaf.value })
    return
  }
  for (const [key, value] of Object.entries(leaf.value)) {
    layer.set(`${leaf.path}${MAP_KEY_SEPARATOR}${key}`, { ...said, value })
  }
}

export function unknownKey(path: string, siblings: SchemaTree, vocabulary: Vocabulary): string {
  const adapter = /^adapters\.([^.]*)$/.exec(path)?.[1]
  if (adapter !== undefined && !ADAPTER_NAME.test(adapter)) {
    return `adapter name ${shown(adapter)} must be lower-case letters, digits and -`
  }
  return `unknown key ${shown(path).slice(1, -1)}; the nearest known one is ${nearestKey(path, siblings, vocabulary)}`
}

/** A sibling that is nearly it, else a key of the same name elsewhere, else whatever is nearest. */
function nearestKey(path: string, siblings: SchemaTree, vocabulary: Vocabulary): string {
  const dot = path.lastIndexOf('.')
  const name = path.slice(dot + 1)
  const prefix = path.slice(0, dot + 1)
  const elsewhere = [...vocabulary.leaves.keys()].filter((known) => known.endsWith(`.${name}`))
  if (elsewhere.length > 0) return nearest(path, elsewhere) ?? ''
  const own = Object.keys(siblings).map((key) => prefix + key)
  return nearest(path, own.length > 0 ? own : vocabulary.leaves.keys()) ?? ''
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key)
}

/** The node as plain data; undefined where it holds an alias, which could grow without bound. */
function plain(node: unknown): unknown {
  if (node === null) return null
  if (isAlias(node)) return undefined
  const value = node as Node & { toJSON(): unknown }
  let aliased = false
  const search = (inner: unknown): void => {
    if (isAlias(inner)) aliased = true
    else if (typeof inner === 'object' && inner !== null && 'items' in inner) {
      for (const item of (inner as { items: unknown[] }).items) search(item)
    } else if (typeof inner === 'object' && inner !== null && 'key' in inner && 'value' in inner) {
      search((inner as { value: unknown }).value)
    }
  }
  search(value)
  return aliased ? undefined : value.toJSON()
}
