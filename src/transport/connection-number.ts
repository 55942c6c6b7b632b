let last = 0

/** Numbers of connections, outbound and inbound, as frame entries carry them: unique in the process. */
export function nextConnectionNumber(): number {
  last = (last + 1) >>> 0
  return last
}
