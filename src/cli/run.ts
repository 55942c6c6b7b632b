/** `sluice run`: the service, until a signal, a drain over the API, or a part that died too often. */
import { noticesOf } from '../config/derive.ts'
import { requireSink } from '../config/kafka-mode.ts'
import { loadConfig } from '../config/load.ts'
import { secretsOf } from '../config/mask.ts'
import type { SluiceConfig } from '../config/types.ts'
import { systemClock } from '../core/clock.ts'
import { Service } from '../service/service.ts'
import { createLogger, type ServiceLogger } from '../telemetry/logger.ts'
import { parseConfigFlags } from './config-flags.ts'
import { EXIT_FAILED, EXIT_OK, runTool } from './flags.ts'

/** A part died too often: the process ends, so that its keeper starts a fresh one. */
const EXIT_GAVE_UP = 70

const HELP = `usage: sluice run [options]

Takes market data off the exchanges and delivers it to Kafka, until SIGTERM or SIGINT: then it drains
and exits 0. A second signal ends it at once.

  --config FILE      YAML file; repeatable, later files win (SLUICE_CONFIG)
  --set PATH=VALUE   one setting, e.g. --set kafka.lingerMs=1; repeatable, wins over everything
  --help

The least it needs: SLUICE_KAFKA_BROKERS=host:port, or embedded to try it without Kafka. Every setting
and its variable: docs/configuration.md, and \`sluice config\`.
`

export function run(argv: string[]): Promise<number> {
  return runTool('run', async () => {
    const flags = parseConfigFlags(argv)
    if (flags.help) {
      process.stdout.write(HELP)
      return EXIT_OK
    }
    const config = loadConfig(flags)
    requireSink(config)
    return serve(config)
  })
}

async function serve(config: SluiceConfig): Promise<number> {
  const logger = createLogger({
    level: config.log.level,
    pretty: config.log.pretty,
    secrets: secretsOf(config)
  })
  for (const notice of noticesOf(config)) logger.warn(notice)
  const service = new Service({ config, logger, clock: systemClock })
  const signals = watchSignals(service, logger)
  try {
    await service.start()
    const ended = await service.ended
    if (ended.cause === 'drained') return EXIT_OK
    await service.abort()
    return EXIT_GAVE_UP
  } catch (error) {
    await service.abort()
    throw error
  } finally {
    signals.stop()
    logger.flush()
  }
}

/** The first signal drains, the second ends the process at once. */
function watchSignals(service: Service, logger: ServiceLogger): { stop(): void } {
  const names = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
  let seen = 0
  const onSignal = (signal: NodeJS.Signals): void => {
    seen += 1
    if (seen > 1) {
      logger.error('second signal: ending at once', { signal })
      logger.flush()
      process.exit(EXIT_FAILED)
    }
    service.drain(`signal ${signal}`)
  }
  for (const name of names) process.on(name, onSignal)
  return {
    stop: () => {
      for (const name of names) process.off(name, onSignal)
    }
  }
}
