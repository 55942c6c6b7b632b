/** Command lines of the small tools: strict flags, one clear line for an error, the exit codes. */
import { parseArgs } from 'node:util'
import { ConfigError } from '../config/config-error.ts'
import { asError, SluiceError } from '../core/errors.ts'

export const EXIT_OK = 0
export const EXIT_FAILED = 1
export const EXIT_USAGE = 2

/** Flags of a tool: every one takes a value or is a switch. */
export type FlagTable = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>
export type FlagValues<T extends FlagTable> = {
  readonly [K in keyof T]?: T[K]['type'] extends 'boolean' ? boolean : string
}

export interface ParsedFlags<T extends FlagTable> {
  readonly values: FlagValues<T>
  readonly positionals: readonly string[]
}

/** @throws SLUICE_USAGE for an unknown flag or a missing value */
export function parseFlags<T extends FlagTable>(
  argv: readonly string[],
  table: T,
  allowPositionals = false
): ParsedFlags<T> {
  try {
    const parsed = parseArgs({ args: [...argv], options: table, strict: true, allowPositionals })
    return { values: parsed.values as FlagValues<T>, positionals: parsed.positionals }
  } catch (error) {
    throw new SluiceError('SLUICE_USAGE', asError(error).message, {}, error)
  }
}

/** The flag's value as a number within [min, max]. @throws SLUICE_USAGE naming the flag */
export function numberFlag(
  text: string | undefined,
  range: { readonly flag: string; readonly min: number; readonly max: number }
): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value >= range.min && value <= range.max) return value
  const { flag, min, max } = range
  throw new SluiceError('SLUICE_USAGE', `--${flag} must be a number from ${min} to ${max}: ${text}`)
}

export function countFlag(
  text: string | undefined,
  range: { readonly flag: string; readonly min: number; readonly max: number }
): number | undefined {
  const value = numberFlag(text, range)
  if (value === undefined || Number.isSafeInteger(value)) return value
  throw new SluiceError('SLUICE_USAGE', `--${range.flag} must be a whole number: ${text}`)
}

/** `1`, `N` or `max`. */
export function speedFlag(text: string | undefined): number | 'max' | undefined {
  if (text === 'max') return 'max'
  return numberFlag(text, { flag: 'speed', min: 0.001, max: 1_000_000 })
}

/** Runs a tool: what it throws becomes one line on stderr (one for each problem of a configuration) and the exit code. */
export async function runTool(name: string, body: () => Promise<number>): Promise<number> {
  try {
    return await body()
  } catch (error) {
    const lines = error instanceof ConfigError ? error.problems : [asError(error).message]
    for (const line of lines)
      process.stderr.write(`sluice ${name}: ${line.replaceAll('\n', ' ')}\n`)
    if (!(error instanceof SluiceError)) return EXIT_FAILED
    return isUsage(error) ? EXIT_USAGE : EXIT_FAILED
  }
}

/** What the user wrote cannot be used: settings, names of exchanges, channels and symbols. */
function isUsage({ code }: SluiceError): boolean {
  return (
    code === 'SLUICE_USAGE' ||
    code === 'SLUICE_SINK_CONFIG' ||
    code === 'SLUICE_EXCHANGE_UNKNOWN' ||
    code === 'SLUICE_EXCHANGE_SUBSCRIPTION' ||
    code.startsWith('SLUICE_CONFIG_')
  )
}

/** Resolves at the first SIGINT or SIGTERM; `cancel` takes the handlers away. */
export function stopSignal(): { readonly stopped: Promise<void>; cancel(): void } {
  let resolveStop: () => void = () => undefined
  const stopped = new Promise<void>((resolve) => {
    resolveStop = resolve
  })
  const stop = (): void => resolveStop()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return {
    stopped,
    cancel: () => {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    }
  }
}
