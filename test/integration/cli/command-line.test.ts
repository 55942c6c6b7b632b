import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const BIN = fileURLToPath(new URL('../../../../bin/sluice', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
after(() => rmSync(folder, { recursive: true }))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function sluice(args: string[], environment: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { PATH: '/usr/bin:/bin', ...environment }
    const child = spawn(process.execPath, [BIN, ...args], { env, cwd: folder })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => (stdout += String(chunk)))
    child.stderr.on('data', (chunk) => (stderr += String(chunk)))
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

describe('sluice', () => {
  it('lists its commands', async () => {
    const help = await sluice(['--help'])
    assert.equal(help.code, 0)
    for (const name of ['run', 'demo', 'exchange', 'record', 'replay', 'backfill', 'verify']) {
      assert.match(help.stdout, new RegExp(`^ +${name} `, 'm'))
    }
    const nothing = await sluice([])
    assert.equal(nothing.code, 2)
    assert.match(nothing.stderr, /usage/)
  })

  it('prints its version', async () => {
    assert.match((await sluice(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
  })

  it('names the nearest command of one it does not know, in one line', async () => {
    const { code, stderr } = await sluice(['exhcange\u001b'])
    assert.equal(code, 2)
    assert.match(stderr, /nearest one is exchange\n$/)
    assert.equal(lines(stderr).length, 1)
    assert.ok(!stderr.includes('\u001b'))
  })

  it('lists the commands for a name that is like none of them', async () => {
    for (const name of ['nope', 'x', 'y'.repeat(5000)]) {
      const { code, stderr } = await sluice([name])
      assert.equal(code, 2)
      assert.match(stderr, /; the commands are run, demo, exchange, .*doctor\n$/)
      assert.equal(lines(stderr).length, 1)
    }
  })

  it('says which commands this version has not', async () => {
    for (const name of ['backfill', 'verify']) {
      const { code, stderr } = await sluice([name])
      assert.equal(code, 2)
      assert.equal(stderr, `sluice ${name}: not available in this version\n`)
    }
  })

  it('refuses flags nobody knows with exit 2', async () => {
    for (const name of ['config', 'doctor']) {
      const { code, stderr } = await sluice([name, '--nonsense'])
      assert.equal(code, 2, name)
      assert.equal(lines(stderr).length, 1)
    }
  })

  it('survives a reader that stops reading', async () => {
    const child = spawn(process.execPath, [BIN, 'config'], { env: {}, cwd: folder })
    child.stdout.destroy()
    const code = await new Promise((resolve) => child.once('exit', resolve))
    assert.equal(code, 0)
  })
})

describe('sluice config', () => {
  it('prints YAML that it accepts again, or JSON', async () => {
    const { code, stdout } = await sluice(['config'], { SLUICE_SYMBOLS: 'AAA' })
    assert.equal(code, 0)
    const printed = parse(stdout)
    assert.deepEqual(printed.symbols, ['AAA'])
    const asJson = JSON.parse(
      (await sluice(['config', '--json'], { SLUICE_SYMBOLS: 'AAA' })).stdout
    )
    assert.deepEqual(asJson, printed)
    const { symbols, channels, ...again } = printed
    assert.ok(symbols && channels)
    const file = join(folder, 'again.yaml')
    writeFileSync(file, JSON.stringify(again))
    assert.equal((await sluice(['config', '--check', '--config', file])).code, 0)
  })

  it('shows no secret, however it came', async () => {
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'canary-file\n')
    const { code, stdout, stderr } = await sluice(
      [
        'config',
        '--set',
        'ingest.token=canary-flag',
        '--set',
        'kafka.librdkafka.sasl.password=canary-map'
      ],
      { SLUICE_ADMIN_TOKEN_FILE: secret, SLUICE_BINANCE_SECRET_KEY: 'canary-env' }
    )
    assert.equal(code, 0, stderr)
    assert.ok(!`${stdout}${stderr}`.includes('canary'))
    assert.equal(stdout.match(/"\*{3}"/g)?.length, 4)
  })

  it('lists everything wrong, one line each, and exits 2', async () => {
    const file = join(folder, 'bad.yaml')
    writeFileSync(file, 'http:\n  prt: 1\nkafka: {lingerMs: x}\n')
    const { code, stdout, stderr } = await sluice(['config', '--check', '--config', file], {
      SLUICE_KAFKA_BROKER: 'x'
    })
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.equal(lines(stderr).length, 3, stderr)
    assert.match(stderr, /bad\.yaml:2: unknown key http\.prt; the nearest known one is http\.port/)
    assert.match(stderr, /bad\.yaml:3: kafka\.lingerMs must be an integer/)
    assert.match(stderr, /unknown variable SLUICE_KAFKA_BROKER;.*SLUICE_KAFKA_BROKERS/)
  })
})

describe('sluice doctor', () => {
  it('reaches brokers and exchange, reads the clock, and exits 0', async () => {
    const broker = net.createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve))
    const rest = http.createServer((request, response) => {
      response.end(request.url === '/api/v3/time' ? `{"serverTime":${Date.now()}}` : '{}')
    })
    await new Promise<void>((resolve) => rest.listen(0, '127.0.0.1', resolve))
    const portOf = (server: net.Server): number => (server.address() as net.AddressInfo).port
    const environment = {
      SLUICE_KAFKA_BROKERS: `127.0.0.1:${portOf(broker)}`,
      SLUICE_BINANCE_REST_URL: `http://127.0.0.1:${portOf(rest)}`,
      SLUICE_BINANCE_WS_URL: `ws://127.0.0.1:${portOf(rest)}`,
      SLUICE_HTTP_PORT: '0'
    }
    const good = await sluice(['doctor'], environment)
    assert.equal(good.code, 0, good.stdout + good.stderr)
    assert.match(good.stdout, /^ok +binance REST +our clock is \d+ ms/m)
    assert.match(good.stdout, /^ok +kafka brokers +1 of 1/m)
    assert.match(good.stdout, /^ok +producer addon +librdkafka \d/m)

    const taken = { ...environment, SLUICE_HTTP_PORT: String(portOf(rest)) }
    broker.close()
    const bad = await sluice(['doctor', '--json'], taken)
    rest.close()
    assert.equal(bad.code, 1)
    const report = JSON.parse(bad.stdout) as {
      ok: boolean
      checks: { check: string; state: string }[]
    }
    assert.equal(report.ok, false)
    const failed = report.checks.filter((one) => one.state === 'fail').map((one) => one.check)
    assert.deepEqual(failed.sort(), ['http port', 'kafka brokers'])
  })
})
