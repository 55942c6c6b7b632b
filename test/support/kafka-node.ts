/** The real broker of the integration tests: the one KAFKA_BROKERS names, or one started here. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const SCRIPT = new URL('../../../scripts/kafka', import.meta.url).pathname
/** Shared by all test files that need no broker of their own; left running for the next file. */
const SHARED_PORT = Number(process.env['SLUICE_TEST_KAFKA_PORT'] ?? 19092)
/** A broker that a test kills or pauses. */
const OWN_PORT = Number(process.env['SLUICE_TEST_OWN_KAFKA_PORT'] ?? 19292)

/** `host:port` of a broker nobody may disturb. */
export async function sharedBroker(): Promise<string> {
  const given = process.env['KAFKA_BROKERS']
  if (given !== undefined && given !== '') return given
  await kafka('start', SHARED_PORT)
  return `127.0.0.1:${SHARED_PORT}`
}

export interface OwnBroker {
  readonly brokers: string
  start(): Promise<void>
  kill(): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  wipe(): Promise<void>
}

/** A broker this test may kill, pause and start again. Wipe it at the end. */
export async function ownBroker(port: number = OWN_PORT): Promise<OwnBroker> {
  const broker: OwnBroker = {
    brokers: `127.0.0.1:${port}`,
    start: () => kafka('start', port),
    kill: () => kafka('kill', port),
    pause: () => kafka('pause', port),
    resume: () => kafka('resume', port),
    wipe: () => kafka('wipe', port)
  }
  await broker.wipe()
  await broker.start()
  return broker
}

async function kafka(command: string, port: number): Promise<void> {
  if (command !== 'start') {
    await run(SCRIPT, [command, '--port', String(port)])
    return
  }
  // The node outlives this process: no pipe of ours may stay open in it.
  await new Promise<void>((resolve, reject) => {
    const child = spawn(SCRIPT, ['start', '--port', String(port)], { stdio: 'ignore' })
    child.once('error', reject)
    child.once('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`scripts/kafka start --port ${port} ended with ${code}`))
    })
  })
}
