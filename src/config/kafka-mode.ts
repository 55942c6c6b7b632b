/** What `kafka.brokers` stands for, and whether there is any sink at all. */
import { ConfigError } from './config-error.ts'
import type { SluiceConfig } from './types.ts'

export type KafkaMode = 'unset' | 'off' | 'embedded' | 'brokers'

export function kafkaMode(config: SluiceConfig): KafkaMode {
  const { brokers } = config.kafka
  if (brokers === '') return 'unset'
  return brokers === 'off' || brokers === 'embedded' ? brokers : 'brokers'
}

/** @throws ConfigError when no sink is configured; `run` cannot do anything then */
export function requireSink(config: SluiceConfig): void {
  const mode = kafkaMode(config)
  if (mode === 'brokers' || mode === 'embedded') return
  throw new ConfigError([
    'no sink is configured: set SLUICE_KAFKA_BROKERS=host:port (or embedded, to try it without Kafka)'
  ])
}
