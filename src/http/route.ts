/**
 * The one way a route reaches uWebSockets.js. A handler of its own that threw, or returned without an
 * abort handler, would end the whole process; here neither can happen. Main thread.
 */
import type { LogLimiter } from '../telemetry/log-limiter.ts'
import { type Access, bearerToken, type RequestHead } from './access.ts'
import { HttpError, httpErrorOf, statusLine } from './http-error.ts'
import type { HttpRequest, HttpResponse, TemplatedApp } from './uws.ts'

export interface RouteRequest {
  /** Path parameters in the pattern's order, decoded. */
  readonly parameters: readonly string[]
  readonly query: URLSearchParams
  /** The JSON body; undefined when there was none. */
  readonly body: unknown
}

export interface Reply {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** probe: no check at all; read: Host and Origin; change: these and the token. */
export type RouteAccess = 'probe' | 'read' | 'change'

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** uWebSockets.js pattern: `/api/v1/adapters/:name/start`. */
  readonly pattern: string
  readonly access: RouteAccess
  readonly handle: (request: RouteRequest) => Reply | Promise<Reply>
}

export interface RouteContext {
  readonly access: Access
  readonly adminToken: string
  readonly bodyBytesMax: number
  readonly log: LogLimiter
  readonly countReply: (status: number) => void
}

export function json(value: unknown, status = 200): Reply {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` }
}

export function plain(text: string, type = 'text/plain; charset=utf-8'): Reply {
  return { status: 200, type, text }
}

/** Registers all routes, 405 for their other methods, and 404 for everything else. */
export function registerRoutes(
  app: TemplatedApp,
  routes: readonly Route[],
  context: RouteContext
): void {
  const patterns = new Map<string, Route[]>()
  for (const route of routes) {
    const same = patterns.get(route.pattern)
    if (same === undefined) patterns.set(route.pattern, [route])
    else same.push(route)
  }
  for (const [pattern, methods] of patterns) {
    app.any(pattern, (res, req) => serve({ res, req, methods, context }))
  }
  app.any('/*', (res, req) => serve({ res, req, methods: [], context }))
}

interface Exchange {
  readonly res: HttpResponse
  readonly req: HttpRequest
  readonly methods: readonly Route[]
  readonly context: RouteContext
}

/** One request while it lives. `open` turns false once it was answered or the client has gone. */
interface Call {
  readonly res: HttpResponse
  readonly context: RouteContext
  readonly path: string
  /** HEAD: the reply's body is only announced. */
  readonly withoutBody: boolean
  readonly mayHaveBody: boolean
  open: boolean
}

function serve({ res, req, methods, context }: Exchange): void {
  const method = req.getMethod().toUpperCase()
  const bodyless = method === 'GET' || method === 'HEAD'
  const call: Call = {
    res,
    context,
    path: req.getUrl(),
    withoutBody: method === 'HEAD',
    mayHaveBody: !bodyless,
    open: true
  }
  res.onAborted(() => {
    call.open = false
  })
  try {
    const route = methods.find((one) => one.method === (method === 'HEAD' ? 'GET' : method))
    const head = headOf(res, req)
    if (route?.access !== 'probe') context.access.checkHost(head)
    if (route === undefined) throw noRoute(methods, call.path)
    if (route.access === 'change') {
      context.access.checkToken(head, bearerToken(head.authorization), context.adminToken)
    }
    const parameters = parametersOf(req, route.pattern)
    const query = new URLSearchParams(req.getQuery())
    if (bodyless) {
      run(call, route, { parameters, query, body: undefined })
      return
    }
    const { type } = bodyHead(req, context.bodyBytesMax)
    readBody(call, (bytes) => {
      const body = parseBody(bytes, type)
      run(call, route, { parameters, query, body })
    })
  } catch (error) {
    fail(call, error)
  }
}

function noRoute(methods: readonly Route[], path: string): HttpError {
  if (methods.length === 0) {
    return new HttpError(404, { code: 'not_found', message: `nothing is at ${path.slice(0, 200)}` })
  }
  const names = methods.map((route) => route.method)
  const allow = [...(names.includes('GET') ? ['HEAD'] : []), ...names].sort().join(', ')
  return new HttpError(405, {
    code: 'method_not_allowed',
    message: `this path takes ${allow}`,
    headers: { Allow: allow }
  })
}

export function headOf(res: HttpResponse, req: HttpRequest): RequestHead {
  return {
    host: req.getHeader('host'),
    origin: req.getHeader('origin'),
    fetchSite: req.getHeader('sec-fetch-site'),
    authorization: req.getHeader('authorization'),
    forwarded: req.getHeader('x-forwarded-for') !== '' || req.getHeader('forwarded') !== '',
    remoteAddress: new Uint8Array(res.getRemoteAddress()).slice()
  }
}

function parametersOf(req: HttpRequest, pattern: string): string[] {
  const count = pattern.split('/').filter((part) => part.startsWith(':')).length
  return Array.from({ length: count }, (_, index) => {
    try {
      return decodeURIComponent(req.getParameter(index))
    } catch {
      throw new HttpError(400, { code: 'bad_path', message: 'the path is not well encoded' })
    }
  })
}

/** Checks what the head says about the body, before any of it is read. */
function bodyHead(req: HttpRequest, bytesMax: number): { readonly type: string } {
  let lengths = 0
  let length = 0
  req.forEach((name, value) => {
    if (name !== 'content-length') return
    lengths += 1
    length = Number(value)
  })
  if (lengths > 1) {
    throw new HttpError(400, { code: 'bad_request', message: 'more than one Content-Length' })
  }
  if (length > bytesMax) throw tooLarge(bytesMax)
  return { type: req.getHeader('content-type') }
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError(413, {
    code: 'body_too_large',
    message: `the body must not exceed ${bytesMax} bytes`
  })
}

/** Collects the body and hands it over once; uWebSockets.js itself ends bodies that come too slowly. */
function readBody(call: Call, done: (bytes: Buffer) => void): void {
  const bytesMax = call.context.bodyBytesMax
  const chunks: Buffer[] = []
  let bytes = 0
  call.res.onData((chunk, isLast) => {
    if (!call.open) return
    try {
      bytes += chunk.byteLength
      if (bytes > bytesMax) throw tooLarge(bytesMax)
      // The chunk's memory is uWebSockets.js's own and is taken back when this returns.
      chunks.push(Buffer.from(new Uint8Array(chunk)))
      if (isLast) done(Buffer.concat(chunks, bytes))
    } catch (error) {
      fail(call, error)
    }
  })
}

function parseBody(bytes: Buffer, type: string): unknown {
  if (bytes.length === 0) return undefined
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new HttpError(415, {
      code: 'json_required',
      message: 'the body must be sent as Content-Type: application/json'
    })
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return JSON.parse(text, refusePrototypeKeys)
  } catch (error) {
    if (error instanceof HttpError) throw error
    throw new HttpError(400, { code: 'bad_json', message: 'the body is not well-formed JSON' })
  }
}

function refusePrototypeKeys(key: string, value: unknown): unknown {
  if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
    throw new HttpError(400, { code: 'bad_json', message: 'the body holds a key that is refused' })
  }
  return value
}

function run(call: Call, route: Route, request: RouteRequest): void {
  const answered = (async () => route.handle(request))()
  answered.then(
    (reply) => send(call, reply),
    (error: unknown) => fail(call, error)
  )
}

function fail(call: Call, thrown: unknown): void {
  const error = httpErrorOf(thrown)
  if (error.status === 500) {
    call.context.log.error(call.path, 'http handler failed', {
      path: call.path,
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    })
  }
  const body = { error: { code: error.code, message: error.message } }
  send(call, { ...json(body, error.status), headers: error.headers })
}

/** After an error to a request with a body the connection is closed: nobody will read what is left. */
function send(call: Call, reply: Reply): void {
  if (!call.open) return
  call.open = false
  call.context.countReply(reply.status)
  const { res } = call
  try {
    res.cork(() => {
      res.writeStatus(statusLine(reply.status))
      res.writeHeader('Content-Type', reply.type)
      res.writeHeader('Cache-Control', 'no-store')
      res.writeHeader('X-Content-Type-Options', 'nosniff')
      for (const [name, value] of Object.entries(reply.headers ?? {})) res.writeHeader(name, value)
      const close = call.mayHaveBody && reply.status >= 400
      if (call.withoutBody) res.endWithoutBody(Buffer.byteLength(reply.text), close)
      else res.end(reply.text, close)
    })
  } catch (error) {
    call.context.log.error('reply', 'http reply failed', { path: call.path, error: String(error) })
  }
}
