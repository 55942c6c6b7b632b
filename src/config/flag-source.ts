/** `--set path=value` flags as settings. */
import { type Layer, MAP_KEY_SEPARATOR, type Vocabulary } from './settings.ts'
import { isForbiddenKey, valueOfText } from './value.ts'
import { setLeaf, unknownKey } from './yaml-source.ts'

export function flagLayer(
  sets: readonly string[],
  vocabulary: Vocabulary,
  context: { readonly rank: number; readonly problems: string[] }
): Layer {
  const layer: Layer = new Map()
  for (const set of sets) {
    const equals = set.indexOf('=')
    // The text is not repeated: what stands there may be a secret.
    if (equals <= 0) {
      context.problems.push('--set must be path=value')
      continue
    }
    const path = set.slice(0, equals).trim()
    const text = set.slice(equals + 1)
    const said = { origin: `--set ${path}`, rank: context.rank }
    const leaf = vocabulary.leaves.get(path)
    if (leaf !== undefined) {
      const value =
        text === '' && leaf.mayBeEmpty === true ? emptyOf(leaf.kind) : valueOfText(leaf, text)
      setLeaf(layer, { path, value, isMap: leaf.kind === 'map' }, said)
      continue
    }
    const map = [...vocabulary.leaves].find(
      ([known, { kind }]) => kind === 'map' && path.startsWith(`${known}.`)
    )?.[0]
    const property = map === undefined ? '' : path.slice(map.length + 1)
    if (map !== undefined && property !== '' && !isForbiddenKey(property)) {
      layer.set(`${map}${MAP_KEY_SEPARATOR}${property}`, { ...said, value: text })
    } else {
      const problem = unknownKey(path, Object.create(null), vocabulary)
      context.problems.push(`--set: ${problem}`)
    }
  }
  return layer
}

/** Adapters that only flags name: `--set adapters.kraken.module=…`. */
export function adaptersOfFlags(sets: readonly string[]): string[] {
  return sets.flatMap((set) => {
    const name = /^adapters\.([a-z][a-z0-9-]{0,31})\.module=/.exec(set)?.[1]
    return name === undefined ? [] : [name]
  })
}

function emptyOf(kind: string): unknown {
  return kind === 'list' || kind === 'subscriptions' ? [] : kind === 'map' ? {} : ''
}
