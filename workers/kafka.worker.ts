/** Entry point of the dedicated Kafka thread; its workerData is a KafkaWorkerData. */
import { workerData } from 'node:worker_threads'
import { KafkaLoop } from '../src/sinks/kafka/kafka-loop.ts'
import { runKafka } from '../src/threads/kafka-runner.ts'
import type { FromWorker, KafkaWorkerData } from '../src/threads/messages.ts'

const data = workerData as KafkaWorkerData
const send = (message: FromWorker): void => data.control.postMessage(message)

runKafka(
  data,
  new KafkaLoop({
    producer: data.producer,
    rings: data.shards.map((shard) => shard.recordRing),
    epoch: data.epoch,
    topicTemplate: data.topicTemplate,
    topics: data.topics,
    partition: data.partition,
    onStreamDefined: (shard, streamIndex, definition) =>
      send({ kind: 'stream-defined', shard, streamIndex, definition }),
    onTopicNeeded: (topic) => send({ kind: 'topic-needed', topic })
  })
)
