/** From the command line to a command: help, version, and what to say of a name nobody knows. */
import { readFileSync } from 'node:fs'
import { nearest } from '../core/nearest.ts'
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

/** The version in package.json, which lies beside dist/. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
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
    process.stdout.write(`${packageVersion()}\n`)
    return EXIT_OK
  }
  const command = COMMANDS.find((one) => one.name === name)
  if (command === undefined) {
    const known = COMMANDS.map((one) => one.name)
    const shown = JSON.stringify(name.slice(0, 40))
    process.stderr.write(
      `sluice: unknown command ${shown}; the nearest one is ${nearest(name, known)}\n`
    )
    return EXIT_USAGE
  }
  return runTool(name, async () => (await command.load()).run(rest))
}
