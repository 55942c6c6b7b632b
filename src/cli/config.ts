/** `sluice config`: the effective configuration with secrets masked, or what is wrong with it. */
import { parseArgs } from 'node:util'
import { noticesOf } from '../config/derive.ts'
import { loadConfig } from '../config/load.ts'
import { maskedConfig } from '../config/mask.ts'
import { stringify } from '../config/yaml-text.ts'
import { asError, SluiceError } from '../core/errors.ts'
import { EXIT_OK, runTool } from './flags.ts'

const HELP = `usage: sluice config [options]

Prints the effective configuration, secrets masked: defaults, files, environment and flags together.

  --check            only validate; prints nothing but what is wrong
  --json             JSON instead of YAML
  --config FILE      YAML file; repeatable, later files win (SLUICE_CONFIG)
  --set PATH=VALUE   one setting; repeatable, wins over everything
  --help

Exits 2, with one line for each, when something is wrong.
`

interface Flags {
  readonly help: boolean
  readonly check: boolean
  readonly json: boolean
  readonly files: readonly string[]
  readonly sets: readonly string[]
}

export function run(argv: string[]): Promise<number> {
  return runTool('config', async () => {
    const flags = flagsOf(argv)
    if (flags.help) {
      process.stdout.write(HELP)
      return EXIT_OK
    }
    const config = loadConfig(flags)
    for (const notice of noticesOf(config)) process.stderr.write(`sluice config: ${notice}\n`)
    if (flags.check) return EXIT_OK
    const masked = maskedConfig(config)
    const text = flags.json ? `${JSON.stringify(masked, null, 2)}\n` : stringify(masked)
    process.stdout.write(text)
    return EXIT_OK
  })
}

function flagsOf(argv: string[]): Flags {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        check: { type: 'boolean' },
        json: { type: 'boolean' },
        config: { type: 'string', multiple: true },
        set: { type: 'string', multiple: true },
        help: { type: 'boolean' }
      },
      strict: true
    })
    return {
      help: values.help === true,
      check: values.check === true,
      json: values.json === true,
      files: values.config ?? [],
      sets: values.set ?? []
    }
  } catch (error) {
    throw new SluiceError('SLUICE_USAGE', asError(error).message, {}, error)
  }
}
