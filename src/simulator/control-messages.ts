/**
 * The control messages of a stream connection (spot, web-socket-streams of 2026-07-21). Errors are
 * documented as flat objects and observed wrapped in `error`; both shapes can be asked for.
 */
export type ControlStyle = 'observed' | 'documented'

/** The part of a connection that control messages work on. */
export interface ControlTarget {
  combined: boolean
  readonly streamNames: readonly string[]
  /** False when there would be too many. */
  subscribe(names: readonly string[]): boolean
  unsubscribe(names: readonly string[]): void
}

export type ControlReply =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }

const METHODS = '`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`'

type RequestId = number | string | null

class ControlError extends Error {
  readonly code: number
  readonly id: RequestId | undefined

  constructor(code: number, message: string, id?: RequestId) {
    super(message)
    this.code = code
    this.id = id
  }
}

export function answerControl(
  text: string,
  target: ControlTarget,
  style: ControlStyle
): ControlReply {
  try {
    return { kind: 'text', text: obey(text, target) }
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    // Text that is no JSON ends the connection on the wire, whatever the documentation says.
    if (error.code === 3 && style === 'observed') {
      return { kind: 'close', code: 1008, reason: 'Invalid request' }
    }
    return { kind: 'text', text: errorText(error, style) }
  }
}

function errorText(error: ControlError, style: ControlStyle): string {
  const body = { code: error.code, msg: error.message }
  const id = error.id === undefined ? {} : { id: error.id }
  return JSON.stringify(style === 'observed' ? { error: body, ...id } : { ...body, ...id })
}

function obey(text: string, target: ControlTarget): string {
  const request = parseRequest(text)
  const id = requestId(request['id'])
  const method = request['method']
  if (method === undefined) {
    const column = text.length
    throw new ControlError(
      2,
      `Invalid request: missing field \`method\` at line 1 column ${column}`,
      id
    )
  }
  const params = request['params']
  switch (method) {
    case 'SUBSCRIBE':
      if (!target.subscribe(streamNames(params, id))) {
        throw new ControlError(4, 'Too many subscriptions', id)
      }
      return resultText(null, id)
    case 'UNSUBSCRIBE':
      target.unsubscribe(streamNames(params, id))
      return resultText(null, id)
    case 'LIST_SUBSCRIPTIONS':
      return resultText(target.streamNames, id)
    case 'SET_PROPERTY':
      target.combined = propertyValue(params, id)
      return resultText(null, id)
    case 'GET_PROPERTY':
      propertyName(params, 1, id)
      return resultText(target.combined, id)
    default: {
      const name = typeof method === 'string' ? method : JSON.stringify(method)
      throw new ControlError(
        2,
        `Invalid request: unknown variant \`${name}\`, expected one of ${METHODS}`,
        id
      )
    }
  }
}

function parseRequest(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ControlError(3, 'Invalid JSON: expected value at line 1 column 1')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ControlError(2, 'Invalid request: expected an object')
  }
  return value as Record<string, unknown>
}

/** An unsigned integer, a string of at most 36 letters and digits, or null. */
function requestId(value: unknown): RequestId {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  if (typeof value === 'string' && /^[A-Za-z0-9-]{1,36}$/.test(value)) return value
  throw new ControlError(2, 'Invalid request: request ID must be an unsigned integer')
}

function resultText(result: unknown, id: RequestId): string {
  return JSON.stringify({ result, id })
}

function streamNames(params: unknown, id: RequestId): string[] {
  const valid =
    Array.isArray(params) &&
    params.length > 0 &&
    params.every((name) => typeof name === 'string' && name.length > 0)
  if (!valid) throw new ControlError(2, 'Invalid request: invalid stream', id)
  return params as string[]
}

function propertyName(params: unknown, count: number, id: RequestId): unknown[] {
  if (!Array.isArray(params) || typeof params[0] !== 'string') {
    throw new ControlError(2, 'Invalid request: property name must be a string', id)
  }
  if (params.length > count) throw new ControlError(2, 'Invalid request: too many parameters', id)
  if (params[0] !== 'combined') throw new ControlError(0, 'Unknown property', id)
  return params
}

function propertyValue(params: unknown, id: RequestId): boolean {
  const value = propertyName(params, 2, id)[1]
  if (typeof value !== 'boolean') {
    throw new ControlError(1, 'Invalid value type: expected Boolean', id)
  }
  return value
}
