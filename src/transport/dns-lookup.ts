import dns, { type LookupAddress, type LookupAllOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'

type Resolve = (
  host: string,
  options: LookupAllOptions,
  callback: (error: Error | null, addresses: LookupAddress[]) => void
) => void

const HOSTS_MAX = 64
/** Addresses that worked for the resolver last, per host and family. */
const lastGood = new Map<string, LookupAddress[]>()

/**
 * A fresh lookup for every dial, because exchanges move their addresses; when the resolver fails, the
 * last answer it gave is used. All addresses are handed on: the dial tries one after the other.
 */
export function createLookup(resolve: Resolve = dns.lookup): LookupFunction {
  return (host, options, callback) => {
    const key = `${host} ${String(options.family ?? 0)}`
    resolve(host, { ...options, all: true }, (error, found) => {
      const addresses = error === null && found.length > 0 ? found : lastGood.get(key)
      const first = addresses?.[0]
      if (addresses === undefined || first === undefined) {
        callback(error as NodeJS.ErrnoException, [])
        return
      }
      if (error === null && (lastGood.has(key) || lastGood.size < HOSTS_MAX)) {
        lastGood.set(key, addresses)
      }
      if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}
