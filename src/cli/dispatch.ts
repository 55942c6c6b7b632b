/** From the command line to a command: help, version, and what to say of a name nobody knows. */
import { editDistance, nearest } from '../core/nearest.ts'
import { VERSION } from '../service/version.ts'
import { COMMANDS } from './commands.ts'
import { EXIT_OK, EXIT_USAGE, runTool } from './flags.ts'

export function helpText(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length))
  const rows = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return [
    'usage: sluice COMMAND [options]',
    '',
    ...rows,
    '',
    'sluice COMMAND --help says more; sluice --version prints the version.',
    'Exit codes: 0 ok, 1 failed, 2 usage or configuration, 70 gave up after repeated crashes.',
    ''
  ].join('\n')
}

export async function dispatch(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined) {
    process.stderr.write(helpText())
    return EXIT_USAGE
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(helpText())
    return EXIT_OK
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${VERSION}\n`)
    return EXIT_OK
  }
  const command = COMMANDS.find((one) => one.name === name)
  if (command === undefined) {
    const known = COMMANDS.map((one) => one.name)
    const shown = JSON.stringify(name.slice(0, 40))
    const guess = likely(name.slice(0, 40), known)
    const hint =
      guess === null ? `the commands are ${known.join(', ')}` : `the nearest one is ${guess}`
    process.stderr.write(`sluice: unknown command ${shown}; ${hint}\n`)
    return EXIT_USAGE
  }
  return runTool(name, async () => (await command.load()).run(rest))
}

/** The command that was mistyped; null when the name is like none of them. */
function likely(name: string, known: readonly string[]): string | null {
  const guess = nearest(name, known)
  if (guess === null) return null
  const distance = editDistance(name.toLowerCase(), guess)
  // Two slips make anything of a name of two letters.
  return distance <= Math.max(Math.min(2, name.length - 1), name.length / 3) ? guess : null
}
