/** The commands, in the order help lists them. Each loads only when it is called. */

export interface Command {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<{ run(argv: string[]): Promise<number> }>
}

/** Named by the design, built later: `--help` and the exit code say so. */
function later(name: string): Command['load'] {
  return async () => ({
    run: async () => {
      process.stderr.write(`sluice ${name}: not available in this version\n`)
      return 2
    }
  })
}

export const COMMANDS: readonly Command[] = [
  {
    name: 'run',
    summary: 'the service, from configuration files and environment',
    load: () => import('./run.ts')
  },
  {
    name: 'demo',
    summary: 'everything embedded: simulated exchange, Kafka and the service, with a live summary',
    load: () => import('./demo.ts')
  },
  {
    name: 'exchange',
    summary: 'the simulated exchange alone, from a seed or a recording',
    load: () => import('./exchange.ts')
  },
  {
    name: 'record',
    summary: 'writes raw frames with their receive time to a file',
    load: () => import('./record.ts')
  },
  {
    name: 'replay',
    summary: 'sends a recording to an ingest listener or serves it as an exchange',
    load: () => import('./replay.ts')
  },
  {
    name: 'backfill',
    summary: 'history into the sinks (not available in this version)',
    load: later('backfill')
  },
  {
    name: 'verify',
    summary: 'reports gaps, duplicates and disorder in topics (not available in this version)',
    load: later('verify')
  },
  {
    name: 'config',
    summary: 'prints the effective configuration with secrets masked',
    load: () => import('./config.ts')
  },
  {
    name: 'doctor',
    summary: 'what this machine lacks',
    load: () => import('./doctor.ts')
  }
]
