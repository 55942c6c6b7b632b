/** Drives a KafkaLoop until the thread is terminated. */
import { parentPort, workerData } from 'node:worker_threads'
import { KafkaLoop, type KafkaLoopOptions } from '../../src/sinks/kafka/kafka-loop.ts'

const IDLE_MS = 1
const loop = new KafkaLoop(workerData as KafkaLoopOptions)
const never = new Int32Array(new SharedArrayBuffer(4))
parentPort?.postMessage('attached')
for (;;) if (loop.turn() === 0) Atomics.wait(never, 0, 0, IDLE_MS)
