import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../../src/core/clock.ts'
import { LogLimiter } from '../../../src/telemetry/log-limiter.ts'
import { createLogger, type LoggerOptions } from '../../../src/telemetry/logger.ts'

const CANARY = 'canary"with\nmarks'

function capture(overrides: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const logger = createLogger({
    level: 'info',
    pretty: false,
    secrets: [CANARY, 'abc'],
    destination: { write: (line) => lines.push(line) },
    ...overrides
  })
  return { lines, logger, parsed: () => lines.map((line) => JSON.parse(line)) }
}

describe('logger', () => {
  it('writes one JSON line with message, level, time and fields', () => {
    const { logger, lines, parsed } = capture()
    logger.child({ part: 'x' }).warn('something happened', { count: 3 })
    assert.equal(lines.length, 1)
    const [line] = parsed()
    assert.equal(line.msg, 'something happened')
    assert.equal(line.level, 'warn')
    assert.equal(line.part, 'x')
    assert.equal(line.count, 3)
    assert.ok(!Number.isNaN(Date.parse(line.time)))
  })

  it('changes level at run time, children included', () => {
    const { logger, lines } = capture()
    const child = logger.child({ part: 'x' })
    child.debug('unseen')
    logger.setLevel('debug')
    child.debug('seen')
    assert.equal(lines.length, 1)
    logger.setLevel('error')
    child.warn('unseen')
    logger.child({}).info('unseen')
    assert.equal(lines.length, 1)
    assert.equal(logger.level(), 'error')
    logger.setLevel('silent')
    logger.error('unseen')
    assert.equal(lines.length, 1)
  })

  for (const pretty of [false, true]) {
    it(`hides secrets, by field and by value (pretty: ${pretty})`, () => {
      const { logger, lines } = capture({ pretty, level: 'debug' })
      logger.info(`said ${CANARY}`, { token: 'field-secret', nested: { apiKey: 'nested-secret' } })
      logger.error('failed', {
        error: new Error(CANARY),
        url: `http://x/?k=${encodeURIComponent(CANARY)}`
      })
      logger.child({ secretKey: 'child-secret' }).debug('x', { list: [CANARY] })
      const text = lines.join('')
      assert.match(text, /failed/)
      for (const secret of ['canary', 'field-secret', 'nested-secret', 'child-secret']) {
        assert.ok(!text.includes(secret), `${secret} in ${text}`)
      }
    })

    it(`keeps text from outside in one line (pretty: ${pretty})`, () => {
      const { logger, lines } = capture({ pretty })
      const nasty = 'BTC\r\n{"level":"error"}\u001b[2J\u0000\u2028'
      logger.info(nasty, { symbol: nasty })
      assert.equal(lines.length, 1)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
      assert.doesNotMatch(lines[0]?.slice(0, -1) ?? '', /[\r\n\u001b\u0000]/)
    })
  }

  it('survives a reader that has gone away', async () => {
    const entry = new URL('../../../src/telemetry/logger.js', import.meta.url).href
    const script = `
      const { createLogger } = await import(${JSON.stringify(entry)})
      const logger = createLogger({ level: 'info', pretty: false })
      process.stdin.once('data', () => {
        for (let i = 0; i < 2000; i++) logger.info('line', { i })
        setTimeout(() => { logger.info('more'); logger.flush(); process.exit(7) }, 50)
      })
      process.stdout.write('up')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['pipe', 'pipe', 'pipe']
    })
    child.stdout.once('data', () => {
      child.stderr.destroy()
      child.stdin.write('go')
    })
    const code = await new Promise((resolve) => child.once('exit', resolve))
    assert.equal(code, 7)
  })
})

describe('log limiter', () => {
  it('lets one line of a kind through per interval and says what it held back', () => {
    const { logger, parsed } = capture()
    let now = 0
    const clock = { monotonicMs: () => now } as Clock
    const limiter = new LogLimiter(logger, clock)
    for (let index = 0; index < 100; index++) limiter.error('kind', 'failed')
    limiter.warn('other', 'also failed')
    now = 9_999
    limiter.error('kind', 'failed')
    now = 10_000
    limiter.error('kind', 'failed')
    const lines = parsed()
    assert.equal(lines.length, 3)
    assert.equal(lines[0].suppressed, undefined)
    assert.equal(lines[2].suppressed, 100)
  })
})
