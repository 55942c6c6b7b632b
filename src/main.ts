/** argv → command → exit code. */
import { dispatch } from './cli/dispatch.ts'

/** What still runs this long after its command has ended is abandoned, ms. */
const LINGER_MS = 2000

// A pager or `head` that stops reading is no failure of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

process.exitCode = await dispatch(process.argv.slice(2))
// Fires only when something keeps the process alive that its owner forgot to close.
setTimeout(() => process.exit(), LINGER_MS).unref()
