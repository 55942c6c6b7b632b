/** `sluice doctor`: what this machine lacks for the configured service. */
import { loadConfig } from '../config/load.ts'
import { parseConfigFlags } from './config-flags.ts'
import { type Finding, findings } from './doctor-checks.ts'
import { EXIT_FAILED, EXIT_OK, runTool } from './flags.ts'

const HELP = `usage: sluice doctor [options]

Checks Node, the native addons, librdkafka, brokers, exchanges and their clocks, file limits, disk and
ports, for the configuration that run would use.

  --json             JSON instead of a table
  --offline          leave out what needs the network
  --config FILE      YAML file; repeatable, later files win (SLUICE_CONFIG)
  --set PATH=VALUE   one setting; repeatable, wins over everything
  --help

Exits 1 when a check fails; warnings do not.
`

export function run(argv: string[]): Promise<number> {
  return runTool('doctor', async () => {
    const flags = parseConfigFlags(argv, ['json', 'offline'])
    if (flags.help) {
      process.stdout.write(HELP)
      return EXIT_OK
    }
    const found = await findings(loadConfig(flags), { offline: flags.switches.offline })
    const ok = found.every((finding) => finding.state !== 'fail')
    const text = flags.switches.json
      ? `${JSON.stringify({ ok, checks: found }, null, 2)}\n`
      : table(found)
    process.stdout.write(text)
    return ok ? EXIT_OK : EXIT_FAILED
  })
}

export function table(found: readonly Finding[]): string {
  const width = Math.max(...found.map((finding) => finding.check.length))
  const rows = found.map(({ state, check, detail }) => {
    return `${state.padEnd(4)}  ${check.padEnd(width)}  ${detail}`
  })
  return `${rows.join('\n')}\n`
}
