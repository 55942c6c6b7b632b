import type { StreamResolution, StreamSpec, SymbolInfo } from '../adapters/adapter.ts'
import { SluiceError } from '../core/errors.ts'

/** More names than this are counted, not listed: requests come from outside. */
const LISTED_MAX = 50

/**
 * Refuses a resolution that holds anything unknown, naming all of it.
 * @throws SLUICE_EXCHANGE_SUBSCRIPTION
 */
export function checkResolution(resolution: StreamResolution, what: 'channels' | 'all'): void {
  const { unknownChannels, unknownSymbols, problems } = resolution
  const faults: string[] = []
  if (unknownChannels.length > 0) faults.push(`unknown channels: ${listed(unknownChannels)}`)
  const symbolFaults = what === 'all' ? unknownSymbols : []
  if (symbolFaults.length > 0) faults.push(`unknown symbols: ${listed(symbolFaults)}`)
  if (problems.length > 0) faults.push(listed(problems))
  if (faults.length === 0) return
  throw new SluiceError('SLUICE_EXCHANGE_SUBSCRIPTION', `subscribing: ${faults.join('; ')}`, {
    unknownChannels: listed(unknownChannels),
    unknownSymbols: listed(symbolFaults)
  })
}

/** Symbols that are known but not traded now: nothing will come for them. */
export function silentSymbols(
  streams: readonly StreamSpec[],
  symbols: ReadonlyMap<string, SymbolInfo> | null
): readonly string[] {
  const silent = streams.filter((stream) => symbols?.get(stream.symbol)?.trading === false)
  return [...new Set(silent.map((stream) => stream.symbol))]
}

function listed(names: readonly string[]): string {
  if (names.length <= LISTED_MAX) return names.join(', ')
  return `${names.slice(0, LISTED_MAX).join(', ')} and ${names.length - LISTED_MAX} more`
}
