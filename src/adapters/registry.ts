/** Adapters by name, module path or package name. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { asError, SluiceError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { ADAPTER_API_VERSION, type AdapterModule, type ExchangeAdapter } from './adapter.ts'
import { createAdapter as createBinance } from './binance/adapter.ts'

const BUILT_IN: ReadonlyMap<string, AdapterModule['createAdapter']> = new Map([
  ['binance', createBinance]
])

export function builtInAdapters(): readonly string[] {
  return [...BUILT_IN.keys()]
}

export interface AdapterSource {
  /** Key in the `adapters` map: the exchange's name in records and metrics. */
  readonly name: string
  /** A built-in name, a path (it begins with `.` or `/`, or is a `file:` URL) or a package name. */
  readonly module: string
  /** Relative paths count from here. */
  readonly directory: string
}

/** @throws SLUICE_EXCHANGE_UNKNOWN when there is no such module or it is no adapter of this version. */
export async function loadAdapter(source: AdapterSource): Promise<ExchangeAdapter> {
  const builtIn = BUILT_IN.get(source.module)
  if (builtIn !== undefined) return builtIn(source.name)
  const loaded = await importModule(source)
  const create = factoryOf(loaded)
  if (create === null) throw unusable(source, 'it exports no function createAdapter')
  let adapter: unknown
  try {
    adapter = create(source.name)
  } catch (thrown) {
    throw unusable(source, `createAdapter failed: ${asError(thrown).message}`, thrown)
  }
  return checkAdapter(source, adapter)
}

async function importModule(source: AdapterSource): Promise<unknown> {
  const { module } = source
  if (module === '') {
    throw unusable(source, `no module is configured; built in: ${builtInAdapters().join(', ')}`)
  }
  const isPath = module.startsWith('.') || path.isAbsolute(module)
  const specifier = isPath ? pathToFileURL(path.resolve(source.directory, module)).href : module
  try {
    return await import(specifier)
  } catch (thrown) {
    const guess = isPath ? null : nearest(module, BUILT_IN.keys())
    const hint = guess === null ? '' : `; built in is ${guess}`
    throw unusable(source, `loading failed: ${asError(thrown).message}${hint}`, thrown)
  }
}

function factoryOf(loaded: unknown): ((name: string) => unknown) | null {
  const exported = loaded as { readonly createAdapter?: unknown; readonly default?: unknown }
  const candidate = exported.createAdapter ?? exported.default
  return typeof candidate === 'function' ? (candidate as (name: string) => unknown) : null
}

const METHODS = [
  'parseSymbols',
  'resolve',
  'recordOf',
  'connectionPlan',
  'controlRequests',
  'listRequest',
  'isData',
  'parseControl',
  'probe',
  'parseRestError'
] as const satisfies readonly (keyof ExchangeAdapter)[]

function checkAdapter(source: AdapterSource, value: unknown): ExchangeAdapter {
  const adapter = (value ?? {}) as Partial<ExchangeAdapter>
  if (adapter.apiVersion !== ADAPTER_API_VERSION) {
    const version = String(adapter.apiVersion)
    throw unusable(source, `its apiVersion is ${version}, needed is ${ADAPTER_API_VERSION}`)
  }
  const missing: string[] = METHODS.filter((name) => typeof adapter[name] !== 'function')
  if (typeof adapter.exchange !== 'string' || adapter.exchange === '') missing.push('exchange')
  if (typeof adapter.profile !== 'string') missing.push('profile')
  if (typeof adapter.limits !== 'object') missing.push('limits')
  if (typeof adapter.symbolsQuestion !== 'object') missing.push('symbolsQuestion')
  if (missing.length > 0) throw unusable(source, `it lacks ${missing.join(', ')}`)
  return adapter as ExchangeAdapter
}

function unusable(source: AdapterSource, why: string, cause?: unknown): SluiceError {
  return new SluiceError(
    'SLUICE_EXCHANGE_UNKNOWN',
    `loading adapter ${source.name} from ${JSON.stringify(source.module)}: ${why}`,
    { adapter: source.name, module: source.module },
    cause
  )
}
