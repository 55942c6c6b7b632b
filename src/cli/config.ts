/** `sluice config`: the effective configuration with secrets masked, or what is wrong with it. */
import { noticesOf } from '../config/derive.ts'
import { loadConfig } from '../config/load.ts'
import { maskedConfig } from '../config/mask.ts'
import { stringify } from '../config/yaml-text.ts'
import { parseConfigFlags } from './config-flags.ts'
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

export function run(argv: string[]): Promise<number> {
  return runTool('config', async () => {
    const flags = parseConfigFlags(argv, ['check', 'json'])
    if (flags.help) {
      process.stdout.write(HELP)
      return EXIT_OK
    }
    const config = loadConfig(flags)
    for (const notice of noticesOf(config)) process.stderr.write(`sluice config: ${notice}\n`)
    if (flags.switches.check) return EXIT_OK
    const masked = maskedConfig(config)
    const text = flags.switches.json ? `${JSON.stringify(masked, null, 2)}\n` : stringify(masked)
    process.stdout.write(text)
    return EXIT_OK
  })
}
