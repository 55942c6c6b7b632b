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
/** What JSON leaves as it is, although terminals obey it. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029]/g

/** A value as an error message may show it: one line, bounded, no credentials of a URL. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  const masked = text
    .replaceAll(/:\/\/[^/@\s"]*@/g, '://***@')
    .replaceAll(UNPRINTABLE, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
    })
  return masked.length > SHOWN_CHARACTERS_MAX ? `${masked.slice(0, SHOWN_CHARACTERS_MAX)}…` : masked
}
