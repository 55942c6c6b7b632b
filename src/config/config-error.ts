/** Everything wrong with a configuration, one sentence each. */
import { SluiceError } from '../core/errors.ts'

export class ConfigError extends SluiceError {
  /** One line each, without secrets. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const unknownOnly = problems.every((problem) => problem.includes('unknown '))
    super(
      unknownOnly ? 'SLUICE_CONFIG_UNKNOWN_KEY' : 'SLUICE_CONFIG_INVALID',
      `reading configuration: ${problems.join('; ')}`,
      { problems: problems.length }
    )
    this.problems = problems
  }
}

const SHOWN_CHARACTERS_MAX = 80

/** A value as an error message may show it: one line, bounded, no credentials of a URL. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  const masked = text.replaceAll(/:\/\/[^/@\s"]*@/g, '://***@')
  return masked.length > SHOWN_CHARACTERS_MAX ? `${masked.slice(0, SHOWN_CHARACTERS_MAX)}…` : masked
}
