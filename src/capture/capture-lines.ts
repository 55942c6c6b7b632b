/**
 * Lines of a file, plain or gzip by its first bytes, with bounded memory: one chunk and one line.
 * Regular files only. Lines come without their end; empty ones are left out but counted.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { asError, SluiceError } from '../core/errors.ts'
import { GZIP_RATIO_MAX, LINE_BYTES_MAX } from './captured.ts'

export interface CaptureLine {
  readonly number: number
  readonly bytes: Buffer
}

const NEWLINE = 0x0a
const RETURN = 0x0d
const GZIP_MAGIC = 0x1f8b
/** Small files may grow by more than the ratio without harm. */
const GZIP_SLACK_BYTES = 1024 * 1024

/** An error in a capture, with the line it stands in. */
export function captureError(path: string, line: number, what: string, cause?: unknown) {
  const message = `reading capture ${path}: line ${line}: ${what}`
  return new SluiceError('SLUICE_CAPTURE_FORMAT', message, { path, line }, cause)
}

/** @throws SLUICE_CAPTURE_FORMAT for what is no file, too long a line, or damaged compression */
export async function* captureLines(path: string): AsyncGenerator<CaptureLine> {
  const source = await openSource(path)
  const pending: Buffer[] = []
  let pendingBytes = 0
  let number = 1
  try {
    for await (const piece of source.stream) {
      const chunk = piece as Buffer
      source.onBytes(chunk.length, number)
      let start = 0
      for (;;) {
        const end = chunk.indexOf(NEWLINE, start)
        if (end < 0) break
        if (pendingBytes + end - start > LINE_BYTES_MAX) throw tooLong(path, number)
        const line = takeLine(pending, chunk.subarray(start, end))
        pendingBytes = 0
        if (line.length > 0) yield { number, bytes: line }
        number += 1
        start = end + 1
      }
      if (start < chunk.length) {
        pending.push(chunk.subarray(start))
        pendingBytes += chunk.length - start
        if (pendingBytes > LINE_BYTES_MAX) throw tooLong(path, number)
      }
    }
    const last = takeLine(pending, Buffer.alloc(0))
    if (last.length > 0) yield { number, bytes: last }
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw captureError(path, number, asError(error).message, error)
  } finally {
    source.stream.destroy()
  }
}

interface Source {
  readonly stream: Readable
  /** Notes bytes handed out. @throws when compression grew them beyond belief */
  onBytes(count: number, line: number): void
}

async function openSource(path: string): Promise<Source> {
  const magic = Buffer.alloc(2)
  try {
    const file = await open(path, 'r')
    try {
      if (!(await file.stat()).isFile()) {
        throw new SluiceError('SLUICE_CAPTURE_FORMAT', `reading capture ${path}: not a file`)
      }
      await file.read(magic, 0, 2, 0)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof SluiceError) throw error
    const what = asError(error).message
    throw new SluiceError('SLUICE_CAPTURE_FORMAT', `reading capture ${path}: ${what}`, {}, error)
  }
  const raw = createReadStream(path, { highWaterMark: 256 * 1024 })
  if (magic.readUInt16BE(0) !== GZIP_MAGIC) return { stream: raw, onBytes: () => undefined }
  const gunzip = createGunzip({ chunkSize: 256 * 1024 })
  raw.on('error', (error) => gunzip.destroy(error))
  gunzip.on('close', () => raw.destroy())
  let total = 0
  return {
    stream: raw.pipe(gunzip),
    onBytes: (count, line) => {
      total += count
      if (total > gunzip.bytesWritten * GZIP_RATIO_MAX + GZIP_SLACK_BYTES) {
        throw captureError(path, line, `expands more than ${GZIP_RATIO_MAX} times`)
      }
    }
  }
}

function takeLine(pending: Buffer[], rest: Buffer): Buffer {
  const line = pending.length === 0 ? rest : Buffer.concat([...pending, rest])
  pending.length = 0
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}

function tooLong(path: string, line: number): SluiceError {
  return captureError(path, line, `longer than ${LINE_BYTES_MAX} bytes`)
}
