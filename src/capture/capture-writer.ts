/**
 * Writes frames as `sluice record` keeps them, one a line: `<receive time, ns> <frame>` in combined
 * form, `<ns> <stream> <frame>` in raw form. Compressed when the name ends with `.gz`.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { asError, SluiceError } from '../core/errors.ts'
import { LINE_BYTES_MAX } from './captured.ts'

export interface WrittenFrame {
  readonly receivedNs: bigint
  /** The stream of a frame in raw form; null in combined form. */
  readonly stream: string | null
  readonly data: Uint8Array
}

const NEWLINE = Buffer.from('\n')

export class CaptureWriter {
  frames = 0
  /** Frames left out: a line cannot hold them, or they came as binary messages. */
  skipped = 0
  readonly #head: Writable
  readonly #file: Writable
  readonly #path: string
  #error: Error | null = null

  /** Replaces what the file held. */
  constructor(path: string) {
    this.#path = path
    this.#file = createWriteStream(path)
    this.#head = this.#file
    if (path.endsWith('.gz')) {
      const gzip = createGzip()
      gzip.pipe(this.#file)
      this.#head = gzip
    }
    for (const stream of new Set([this.#head, this.#file])) {
      stream.on('error', (error) => {
        this.#error ??= asError(error)
      })
    }
  }

  /** False when the caller should wait for `drained` before the next frame. */
  write(frame: WrittenFrame): boolean {
    const { data } = frame
    const named = frame.stream === null || /^[^\s{[]\S*$/u.test(frame.stream)
    // The line is the unit of the format: what holds a newline would come back as two.
    if (data.length > LINE_BYTES_MAX - 1024 || data.includes(0x0a) || !named) {
      this.skipped += 1
      return true
    }
    const name = frame.stream === null ? '' : `${frame.stream} `
    this.frames += 1
    this.#head.write(`${frame.receivedNs} ${name}`)
    this.#head.write(data)
    return this.#head.write(NEWLINE)
  }

  async drained(): Promise<void> {
    if (this.#error === null && this.#head.writableNeedDrain) await once(this.#head, 'drain')
    this.#assertHealthy()
  }

  /** Resolves when everything is in the file. @throws SLUICE_CAPTURE_FORMAT when writing failed */
  async close(): Promise<void> {
    this.#assertHealthy()
    this.#head.end()
    try {
      await finished(this.#file)
    } catch (error) {
      this.#error ??= asError(error)
    }
    this.#assertHealthy()
  }

  #assertHealthy(): void {
    if (this.#error === null) return
    throw new SluiceError(
      'SLUICE_CAPTURE_FORMAT',
      `writing capture ${this.#path}: ${this.#error.message}`,
      { path: this.#path },
      this.#error
    )
  }
}
