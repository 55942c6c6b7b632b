/** Entry point of a parser thread: Piscina calls the default export with a ParserTask. */
import { binanceFrameParser } from '../src/adapters/binance/parse.ts'
import { createKernel } from '../src/native/kernel.ts'
import type { ParserTask } from '../src/threads/messages.ts'
import { runParser } from '../src/threads/parser-loop.ts'

export default function parse(task: ParserTask): void {
  runParser(task, ({ memory, exchanges, epoch, kernel }) =>
    createKernel(kernel, {
      frameRing: memory.frameRing,
      recordRing: memory.recordRing,
      counters: memory.counters,
      activity: memory.activity,
      exchanges,
      epoch,
      parsers: { 'binance-spot': binanceFrameParser }
    })
  )
}
