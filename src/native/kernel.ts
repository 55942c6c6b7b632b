/**
 * The kernel as the rest of the project sees it: frames of one ring in, records of another out. The native
 * addon, or its TypeScript twin when that is asked for; never one instead of the other on its own.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { asError, SluiceError } from '../core/errors.ts'
import { EXCHANGES_MAX } from '../ring/counters.ts'
import { RING_LAYOUT_VERSION } from '../ring/layout.ts'
import { KernelTwin } from './kernel-twin.ts'
import type { Kernel, KernelExchange, KernelOptions } from './kernel-types.ts'

export type { Kernel, KernelExchange, KernelOptions }

export type KernelKind = 'native' | 'twin'

interface AddonOptions {
  readonly frameRing: Uint8Array
  readonly recordRing: Uint8Array
  readonly counters: Float64Array
  readonly activity: Float64Array
  readonly exchanges: readonly KernelExchange[]
  readonly epoch: number
  readonly layoutVersion: number
}

export interface KernelAddon {
  readonly Kernel: new (options: AddonOptions) => Kernel
  readonly layoutVersion: number
  readonly simdjsonVersion: string
}

const BUILD_COMMAND = 'npm run build:native'
const ADDON_PATH = fileURLToPath(
  new URL('../../../native/build/Release/kernel.node', import.meta.url)
)

/**
 * Loads the addon. Called on the main thread before any worker starts: an addon that only workers load
 * is unloaded with the last of them.
 *
 * @throws SLUICE_NATIVE_MISSING it was not built
 * @throws SLUICE_NATIVE_MISMATCH it was built for other sources or another Node
 */
export function loadKernelAddon(path: string = ADDON_PATH): KernelAddon {
  if (!existsSync(path)) {
    throw new SluiceError(
      'SLUICE_NATIVE_MISSING',
      `loading kernel: not built; run ${BUILD_COMMAND}`,
      { path }
    )
  }
  let addon: KernelAddon
  try {
    addon = createRequire(import.meta.url)(path) as KernelAddon
  } catch (thrown) {
    throw mismatch(asError(thrown).message, path, thrown)
  }
  if (typeof addon.Kernel !== 'function' || addon.layoutVersion !== RING_LAYOUT_VERSION) {
    throw mismatch(`built for ring layout ${addon.layoutVersion}`, path)
  }
  return addon
}

function mismatch(detail: string, path: string, cause?: unknown): SluiceError {
  return new SluiceError(
    'SLUICE_NATIVE_MISMATCH',
    `loading kernel: ${detail}; run ${BUILD_COMMAND}`,
    { path, layoutVersion: RING_LAYOUT_VERSION, node: process.version },
    cause
  )
}

/**
 * Attaches a kernel to one shard's rings; finishes a commit that a predecessor left half done.
 *
 * @throws SLUICE_NATIVE_MISSING, SLUICE_NATIVE_MISMATCH, SLUICE_RING_LAYOUT, SLUICE_RING_OWNERSHIP
 */
export function createKernel(kind: KernelKind, options: KernelOptions): Kernel {
  checkExchanges(options.exchanges)
  if (kind === 'twin') return new KernelTwin(options)
  const addon = loadKernelAddon()
  try {
    return new addon.Kernel({
      frameRing: new Uint8Array(options.frameRing),
      recordRing: new Uint8Array(options.recordRing),
      counters: new Float64Array(options.counters),
      activity: new Float64Array(options.activity),
      exchanges: options.exchanges,
      epoch: options.epoch,
      layoutVersion: RING_LAYOUT_VERSION
    })
  } catch (thrown) {
    const error = asError(thrown) as Error & { code?: unknown }
    const code =
      error.code === 'SLUICE_RING_OWNERSHIP' ? 'SLUICE_RING_OWNERSHIP' : 'SLUICE_RING_LAYOUT'
    throw new SluiceError(
      code,
      `attaching kernel: ${error.message}`,
      { epoch: options.epoch },
      thrown
    )
  }
}

/** Names stand in every record as they are, and in topic names. */
function checkExchanges(exchanges: readonly KernelExchange[]): void {
  const areNames = exchanges.every(({ exchange }) => /^[a-z0-9_-]{1,32}$/.test(exchange))
  if (exchanges.length < 1 || exchanges.length > EXCHANGES_MAX || !areNames) {
    throw new SluiceError('SLUICE_RING_LAYOUT', 'attaching kernel: bad list of exchanges', {
      exchanges: exchanges.map(({ exchange }) => exchange).join(',')
    })
  }
}
