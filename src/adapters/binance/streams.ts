/** From subscriptions to stream names and connection URLs (spot). */
import { SluiceError } from '../../core/errors.ts'
import type { DataSubscription } from '../../model/subscription.ts'
import type {
  ConnectionPlan,
  StreamRecord,
  StreamResolution,
  StreamSpec,
  SymbolInfo
} from '../adapter.ts'
import { BINANCE_CHANNELS } from './channels.ts'
import { BINANCE_SPOT_LIMITS } from './limits.ts'

const asciiUpper = (text: string): string =>
  text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
/** Stream names are lower-case, but symbols may hold letters of any script: only ASCII is folded. */
const asciiLower = (text: string): string =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

export function streamName(symbol: string, channel: string): string {
  return `${asciiLower(symbol)}@${channel}`
}

/** The definition that the parser will give of the stream, as far as the subscription tells it. */
export function recordOf({ channel: name, symbol }: StreamSpec): StreamRecord | null {
  const channel = BINANCE_CHANNELS.get(name)
  if (channel === undefined || channel.allMarket) return null
  const interval = channel.kind === 'kline' ? name.slice('kline_'.length) : null
  return { type: channel.kind, symbol, interval }
}

interface Findings {
  readonly streams: Map<string, StreamSpec>
  readonly unknownChannels: Set<string>
  readonly unknownSymbols: Set<string>
  readonly problems: Set<string>
}

/** Every unknown name of every subscription is listed; a stream named twice stands once. */
export function resolveStreams(
  subscriptions: readonly DataSubscription[],
  symbols: ReadonlyMap<string, SymbolInfo> | null
): StreamResolution {
  const findings: Findings = {
    streams: new Map(),
    unknownChannels: new Set(),
    unknownSymbols: new Set(),
    problems: new Set()
  }
  for (const subscription of subscriptions) resolveOne(subscription, symbols, findings)
  return {
    streams: [...findings.streams.values()],
    unknownChannels: [...findings.unknownChannels],
    unknownSymbols: [...findings.unknownSymbols],
    problems: [...findings.problems]
  }
}

function resolveOne(
  subscription: DataSubscription,
  symbols: ReadonlyMap<string, SymbolInfo> | null,
  findings: Findings
): void {
  const names = [...new Set(subscription.symbols.map(asciiUpper))]
  const known = names.filter((symbol) => {
    if (isStreamable(symbol) && (symbols === null || symbols.has(symbol))) return true
    findings.unknownSymbols.add(symbol)
    return false
  })
  if (subscription.channels.length === 0) findings.problems.add('a subscription names no channel')
  for (const name of subscription.channels) {
    const channel = BINANCE_CHANNELS.get(name)
    if (channel === undefined) {
      findings.unknownChannels.add(name)
    } else if (channel.allMarket) {
      findings.streams.set(name, { name, channel: name, symbol: '' })
    } else if (names.length === 0) {
      findings.problems.add(`channel ${name} needs symbols`)
    } else {
      for (const symbol of known) {
        const stream = streamName(symbol, name)
        findings.streams.set(stream, { name: stream, channel: name, symbol })
      }
    }
  }
}

/** What could break out of a URL or a stream name is no symbol, whatever a symbol list says. */
function isStreamable(symbol: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return symbol.length > 0 && symbol.length <= 64 && !/[\u0000-\u0020\u007f"\\/@!?&#%]/.test(symbol)
}

/**
 * A combined connection with as many streams in its URL as fit: they flow from the opening on, without
 * control messages. Times are asked for in µs; there is no choice per stream.
 */
export function connectionPlan(baseUrl: string, streams: readonly string[]): ConnectionPlan {
  const base = parseBase(baseUrl)
  const head = `${base.origin}${base.path}/stream?timeUnit=MICROSECOND`
  let url = head
  let count = 0
  for (const stream of streams) {
    // '@', '!' and ':' may stand in a query, and do in the exchange's own examples; '+' would be a space.
    const encoded = encodeURIComponent(stream).replaceAll('%40', '@').replaceAll('%3A', ':')
    const next = `${url}${count === 0 ? '&streams=' : '/'}${encoded}`
    if (next.length > BINANCE_SPOT_LIMITS.urlBytesMax) break
    url = next
    count += 1
  }
  return { url, remaining: streams.slice(count) }
}

function parseBase(baseUrl: string): { readonly origin: string; readonly path: string } {
  let url: URL
  try {
    url = new URL(baseUrl)
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `not a URL: ${baseUrl}`, {}, cause)
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `not a ws or wss URL: ${baseUrl}`)
  }
  // A base that already names an endpoint means the same host.
  const path = url.pathname.replace(/\/(stream|ws)?\/?$/, '')
  return { origin: `${url.protocol}//${url.host}`, path }
}
