/** Who may do what: Host and Origin, loopback, tokens compared in constant time, and guessing slowed down. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { Clock } from '../core/clock.ts'
import { HttpError } from './http-error.ts'

/** What the checks read of a request; taken from uWebSockets.js while its request is valid. */
export interface RequestHead {
  readonly host: string
  /** Empty when the client sent none. */
  readonly origin: string
  readonly fetchSite: string
  readonly authorization: string
  /** A proxy stands between: its loopback address says nothing about the client. */
  readonly forwarded: boolean
  readonly remoteAddress: Uint8Array
}

export interface AccessOptions {
  /** The address listened on; it may stand in the Host header. */
  readonly host: string
  readonly hosts: readonly string[]
  readonly origins: readonly string[]
  readonly clock: Clock
}

const FAILURES_PER_MINUTE_MAX = 10
const FAILURE_ADDRESSES_MAX = 4096
const MINUTE_MS = 60_000

export class Access {
  private readonly names: ReadonlySet<string>
  private readonly origins: ReadonlySet<string>
  private readonly clock: Clock
  private readonly failures = new Map<string, { count: number; sinceMs: number }>()

  constructor(options: AccessOptions) {
    const names = ['localhost', hostname(), options.host, ...options.hosts]
    this.names = new Set(names.map((name) => name.toLowerCase()))
    this.origins = new Set(options.origins.map((origin) => origin.toLowerCase().replace(/\/$/, '')))
    this.clock = options.clock
  }

  /**
   * Against DNS rebinding and pages of other sites. An address literal is nobody's DNS name, so it
   * passes; a browser always says its Origin on a call from another site.
   * @throws HttpError 403
   */
  checkHost(head: RequestHead): void {
    const name = hostName(head.host)
    if (name === null || (isIP(name) === 0 && !this.names.has(name))) {
      throw refused('host_refused', 'this Host is not served; http.hosts lists further names')
    }
    if (head.origin === '') {
      if (head.fetchSite === 'cross-site') throw refused('origin_refused', 'cross-site call')
      return
    }
    const origin = head.origin.toLowerCase()
    const own = origin === `http://${head.host.toLowerCase()}`
    const ownTls = origin === `https://${head.host.toLowerCase()}`
    if (!own && !ownTls && !this.origins.has(origin)) {
      throw refused('origin_refused', 'this Origin may not call; http.origins lists further ones')
    }
  }

  /**
   * With a token: only who shows it, whatever was tried before from the same address; it may be a
   * proxy's. Without: only this machine.
   * @throws HttpError 401, 403, 429
   */
  checkToken(head: RequestHead, shown: string, token: string): void {
    if (token === '') {
      if (isLoopback(head.remoteAddress) && !head.forwarded) return
      throw refused('token_required', 'without a token configured, only loopback may do this')
    }
    if (sameSecret(shown, token)) return
    const address = Buffer.from(head.remoteAddress).toString('hex')
    const now = this.clock.monotonicMs()
    const past = this.failures.get(address)
    const current = past !== undefined && now - past.sinceMs < MINUTE_MS ? past : undefined
    if (current !== undefined && current.count >= FAILURES_PER_MINUTE_MAX) {
      throw new HttpError(429, {
        code: 'too_many_failures',
        message: 'too many wrong tokens from this address; try again in a minute',
        headers: { 'Retry-After': '60' }
      })
    }
    this.noteFailure(address, current, now)
    throw new HttpError(401, {
      code: 'unauthorized',
      message: shown === '' ? 'a Bearer token is required' : 'the token is wrong',
      headers: { 'WWW-Authenticate': 'Bearer' }
    })
  }

  private noteFailure(
    address: string,
    current: { count: number; sinceMs: number } | undefined,
    now: number
  ): void {
    if (current !== undefined) {
      current.count += 1
      return
    }
    if (this.failures.size >= FAILURE_ADDRESSES_MAX) this.failures.clear()
    this.failures.set(address, { count: 1, sinceMs: now })
  }
}

function refused(code: string, message: string): HttpError {
  return new HttpError(403, { code, message })
}

/** The name of a Host header without its port; null when it is none. */
export function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::\d{1,5})?$/.exec(host)
  const name = match?.[1] ?? match?.[2]
  return name === undefined ? null : name.toLowerCase().replace(/\.$/, '')
}

/** The token of `Authorization: Bearer …`; empty when there is none. */
export function bearerToken(authorization: string): string {
  return /^Bearer\s+(\S+)\s*$/i.exec(authorization)?.[1] ?? ''
}

/** Digests have equal lengths, so the comparison tells nothing about the secret's. */
export function sameSecret(shown: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(shown), digest(secret))
}

/** 127.0.0.0/8, ::1, and the former mapped into IPv6. */
export function isLoopback(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] === 127
  if (address.length !== 16) return false
  const zeros = address.subarray(0, 10).every((byte) => byte === 0)
  if (!zeros) return false
  if (address[10] === 0xff && address[11] === 0xff) return address[12] === 127
  return address.subarray(10, 15).every((byte) => byte === 0) && address[15] === 1
}
