/** A runner on a small exchange, with a sink in memory. */
import type { StreamActivity } from '../../src/adapters/adapter.ts'
import { createAdapter } from '../../src/adapters/binance/adapter.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createPrng } from '../../src/core/prng.ts'
import { ExchangeRunner, type ExchangeRunnerOptions } from '../../src/pipeline/exchange-runner.ts'
import type { RunnerConfig, RunnerTuning } from '../../src/pipeline/runner-config.ts'
import { MemorySink } from './memory-sink.ts'
import { TinyExchange } from './tiny-exchange.ts'

export interface RigOptions {
  readonly symbols?: readonly string[]
  readonly shards?: number
  readonly config?: Partial<RunnerConfig>
  readonly tuning?: Partial<RunnerTuning>
  readonly clock?: Clock
  readonly seed?: number
  readonly prepare?: ExchangeRunnerOptions['prepare']
}

export interface Rig {
  readonly exchange: TinyExchange
  readonly runner: ExchangeRunner
  readonly sink: MemorySink
  /** Rows the watchdog sees, by stream. */
  readonly activity: Map<string, StreamActivity>
  end(): Promise<void>
}

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const exchange = await new TinyExchange(options.symbols).open()
  const sink = new MemorySink(options.shards)
  const activity = new Map<string, StreamActivity>()
  const config: RunnerConfig = {
    wsUrl: exchange.wsUrl,
    restUrl: exchange.restUrl,
    deflate: false,
    streamsPerConnection: 200,
    connectsPer5Minutes: 300,
    controlMessagesPerSecond: 3,
    subscribeBytesMax: 4000,
    timeouts: {
      connectMs: 4000,
      handshakeMs: 4000,
      idleMs: 45_000,
      requestMs: 5000,
      acknowledgeMs: 5000
    },
    reconnect: { baseMs: 250, maxMs: 4000 },
    ...options.config
  }
  const runner = new ExchangeRunner({
    adapter: createAdapter('binance'),
    config,
    frameSink: sink,
    exchangeIndex: 0,
    clock: options.clock ?? systemClock,
    prng: createPrng(options.seed ?? 1),
    logger: silentLogger,
    activity: (name) => activity.get(name),
    tuning: { tickMs: 50, ...options.tuning },
    ...(options.prepare === undefined ? {} : { prepare: options.prepare })
  })
  return {
    exchange,
    runner,
    sink,
    activity,
    end: async () => {
      await runner.close({ graceMs: 5000 })
      await exchange.close()
    }
  }
}
