/** A port of loopback that nobody listens on, most likely. */
import { connect } from 'node:net'

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** The first free port from `first` on, in steps of `step`. */
export async function freePort(first: number, step = 1): Promise<number> {
  let port = first
  while (await isTaken(port)) port += step
  return port
}
