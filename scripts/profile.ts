/**
 * Profiles `sluice run` under load: clinic.js doctor and flame (main thread only), V8 CPU profiles of
 * every thread, and perf for the native side where the system allows it. Prints where the reports are;
 * fails when one that was asked for does not exist.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BrokerClient, openBroker } from '../bench/e2e/broker.ts'
import { sluiceEnvironment, topicsOf } from '../bench/e2e/candidates.ts'
import { Feed } from '../bench/e2e/feed-process.ts'
import { freePort } from '../bench/e2e/free-port.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CLINIC_VERSION = '13.0.0'
const CLINIC_HOME = `${ROOT}.cache/clinic`
const CLINIC = `${CLINIC_HOME}/node_modules/.bin/clinic`
const ENTRY = `${ROOT}dist/src/main.js`
const REPORT_TIMEOUT_MS = 300_000
const TOOLS = ['doctor', 'flame', 'cpu', 'perf'] as const
type Tool = (typeof TOOLS)[number]

const USAGE = `usage: scripts/profile [options]

  --seconds N      load for each tool (default 30)
  --rate N         frames a second (default 20000; 0 = as fast as they are taken)
  --symbols N      symbols and topics (default 10)
  --tools LIST     of doctor, flame, cpu, perf (default: all)
  --broker H:P     a broker to use (default: KAFKA_BROKERS, or one is started)

clinic.js ${CLINIC_VERSION} is installed into .cache/clinic when first needed.`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    rate: { type: 'string', default: '20000' },
    symbols: { type: 'string', default: '10' },
    tools: { type: 'string', default: TOOLS.join(',') },
    broker: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false }
  }
})

function installClinic(): void {
  if (existsSync(CLINIC)) return
  console.log(`installing clinic.js ${CLINIC_VERSION} into .cache/clinic`)
  mkdirSync(CLINIC_HOME, { recursive: true })
  writeFileSync(`${CLINIC_HOME}/package.json`, '{"name":"profiler","private":true}\n')
  const options = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
  execFileSync('npm', ['install', ...options, `clinic@${CLINIC_VERSION}`], {
    cwd: CLINIC_HOME,
    stdio: 'inherit'
  })
}

function commandOf(tool: Tool, directory: string): [string, string[]] {
  const service = [ENTRY, 'run']
  if (tool === 'cpu') return ['node', ['--cpu-prof', `--cpu-prof-dir=${directory}`, ...service]]
  if (tool === 'perf') return ['node', ['--perf-basic-prof', ...service]]
  return [CLINIC, [tool, '--open=false', '--dest', directory, '--', 'node', ...service]]
}

/** The service among the descendants of `pid`: clinic starts it through wrappers of its own. */
function servicePid(pid: number): number | null {
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  // clinic's own command line holds the service's too, behind a `--`.
  if (command.includes(ENTRY) && !command.includes('--')) return pid
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  for (const child of children === '' ? [] : children.split(' ')) {
    const found = servicePid(Number(child))
    if (found !== null) return found
  }
  return null
}

async function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), REPORT_TIMEOUT_MS)
  await once(child, 'exit')
  clearTimeout(timer)
}

/** Samples the running service; false when the system does not let us. */
function recordPerf(pid: number, directory: string, seconds: number): boolean {
  const data = `${directory}/perf.data`
  const options = ['record', '-F', '499', '-g', '-o', data, '-p', `${pid}`]
  const recorded = spawnSync('perf', [...options, '--', 'sleep', `${seconds}`], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  if (recorded.status !== 0 || !existsSync(data)) return false
  const report = spawnSync('perf', ['report', '--stdio', '--no-children', '-i', data], {
    maxBuffer: 1 << 28
  })
  writeFileSync(`${directory}/perf.txt`, report.stdout)
  // V8 writes the names of its compiled functions there, and nowhere else.
  rmSync(`/tmp/perf-${pid}.map`, { force: true })
  return true
}

function reportsIn(directory: string, tool: Tool): string[] {
  const suffix = { doctor: '.html', flame: '.html', cpu: '.cpuprofile', perf: 'perf.txt' }[tool]
  return readdirSync(directory)
    .filter((name) => name.endsWith(suffix))
    .map((name) => `${directory}/${name}`)
}

async function profile(tool: Tool, directory: string, address: string): Promise<string[]> {
  mkdirSync(directory, { recursive: true })
  const seconds = Number(values.seconds)
  const rate = Number(values.rate)
  const tag = Date.now().toString(36).slice(-6).toUpperCase()
  const symbols = Array.from({ length: Number(values.symbols) }, (_, index) => {
    return `P${tag}${String(index).padStart(3, '0')}USDT`
  })
  // At full speed the feed simply never ends before the service is stopped.
  const messages = rate > 0 ? rate * seconds : 2_000_000 * seconds
  const feed = await Feed.open({ symbols, messages, rate, recorded: [] })
  const work = {
    broker: address,
    feedPort: feed.port,
    symbols,
    channels: ['aggTrade'],
    streamsPerConnection: 0
  }
  const log = openSync(`${directory}/service.log`, 'a')
  const [command, args] = commandOf(tool, directory)
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...sluiceEnvironment(work, await freePort(18_080)), NO_INSIGHT: '1' },
    stdio: ['ignore', log, log]
  })
  try {
    await feed.waitUntilSubscribed(symbols.length, child)
    const pid = servicePid(child.pid ?? 0)
    if (pid === null) throw new Error('the service is not among the started processes')
    await feed.start()
    if (tool === 'perf') {
      if (!recordPerf(pid, directory, seconds))
        throw new Error('perf may not sample processes here')
    } else await sleep(seconds * 1000)
    // A clean stop of the service itself: the tools write their reports when it has ended.
    process.kill(pid, 'SIGTERM')
    await waitForExit(child)
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL')
    feed.child.kill('SIGKILL')
    const broker = new BrokerClient(address)
    await broker.deleteTopics(topicsOf('sluice', { ...work, messages, logFile: '' }))
    broker.close()
  }
  const reports = reportsIn(directory, tool)
  if (reports.length === 0) throw new Error(`no report; see ${directory}/service.log`)
  return reports
}

async function main(): Promise<void> {
  const tools = values.tools.split(',').map((name) => {
    const tool = TOOLS.find((known) => known === name)
    if (tool === undefined) throw new Error(`unknown tool ${name}\n${USAGE}`)
    return tool
  })
  if (tools.includes('doctor') || tools.includes('flame')) installClinic()
  const { address, close } = await openBroker(values.broker ?? process.env['KAFKA_BROKERS'])
  const started = new Date().toISOString().replaceAll(':', '').slice(0, 17)
  const lines: string[] = []
  try {
    for (const tool of tools) {
      const optional = tool === 'perf' && !values.tools.startsWith('perf')
      if (optional && spawnSync('perf', ['--version']).status !== 0) {
        lines.push('perf: left out, not installed')
        continue
      }
      console.log(`${tool}: ${values.seconds} s of load`)
      try {
        const reports = await profile(tool, `${ROOT}.cache/profile/${started}/${tool}`, address)
        lines.push(...reports.map((report) => `${tool}: ${report}`))
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        lines.push(`${tool}: ${optional ? 'left out' : 'FAILED'}, ${message}`)
        if (!optional) process.exitCode = 1
      }
    }
  } finally {
    close()
  }
  console.log(lines.join('\n'))
}

if (values.help) console.log(USAGE)
else await main()
