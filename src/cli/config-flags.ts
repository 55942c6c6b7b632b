/** The flags of every command that loads the configuration: `--config`, `--set`, `--help`, and its switches. */
import { parseArgs } from 'node:util'
import { asError, SluiceError } from '../core/errors.ts'

export interface ConfigFlags<S extends string> {
  readonly help: boolean
  /** YAML files, in order. */
  readonly files: readonly string[]
  /** `path=value`, in order. */
  readonly sets: readonly string[]
  readonly switches: Readonly<Record<S, boolean>>
}

/** @throws SLUICE_USAGE for an unknown flag or a missing value */
export function parseConfigFlags<S extends string = never>(
  argv: readonly string[],
  switches: readonly S[] = []
): ConfigFlags<S> {
  const own = switches.map((name) => [name, { type: 'boolean' as const }])
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string', multiple: true },
        set: { type: 'string', multiple: true },
        help: { type: 'boolean' },
        ...(Object.fromEntries(own) as Record<string, { type: 'boolean' }>)
      },
      strict: true
    })
    const given: Readonly<Record<string, unknown>> = values
    const entries = switches.map((name) => [name, given[name] === true])
    return {
      help: values.help === true,
      files: values.config ?? [],
      sets: values.set ?? [],
      switches: Object.fromEntries(entries) as Record<S, boolean>
    }
  } catch (error) {
    throw new SluiceError('SLUICE_USAGE', asError(error).message, {}, error)
  }
}
