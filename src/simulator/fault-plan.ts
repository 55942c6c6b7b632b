/**
 * Faults that can be planned in a file or triggered at run time. A plan is a list of steps, each with
 * the time it fires at, counted from the start of the exchange.
 */
import { SluiceError } from '../core/errors.ts'
import type { FrameFault } from './frame-faults.ts'

/**
 * clean: close frame 1001; reset: TCP end without one; silent: the socket stays, nothing is sent or
 * answered; mute: pings and replies go on, frames do not.
 */
export type DisconnectHow = 'clean' | 'reset' | 'silent' | 'mute'

export interface DisconnectFault {
  readonly how: DisconnectHow
  /** Which connections: all (unless given), the oldest, one chosen by the seed, or one id. */
  readonly connections?: 'all' | 'oldest' | 'random' | number
}

export interface AckFault {
  /** Late replies to control messages; null for none at all. */
  readonly delayMs: number | null
  /** Number of replies hit; all until cleared unless given. */
  readonly count?: number
}

export interface RestFault {
  /** 403 and 5xx come with an HTML body, as from the edge; 418 and 429 with Retry-After. */
  readonly status: number
  readonly retryAfterSeconds?: number
  /** Number of requests hit; all until cleared unless given. */
  readonly count?: number
  /** Only this path, e.g. `/api/v3/depth`. */
  readonly path?: string
  /** Answers late instead of wrongly, when `status` is 200. */
  readonly delayMs?: number
}

export type Fault =
  | ({ readonly kind: 'disconnect' } & DisconnectFault)
  | { readonly kind: 'refuseConnects'; readonly forMs: number }
  | ({ readonly kind: 'frames' } & FrameFault)
  | { readonly kind: 'mute'; readonly streams: string; readonly forMs?: number }
  | ({ readonly kind: 'acks' } & AckFault)
  | { readonly kind: 'slowReading'; readonly delayMs: number; readonly forMs?: number }
  | ({ readonly kind: 'rest' } & RestFault)
  | { readonly kind: 'serverShutdown'; readonly closeAfterMs?: number }
  | { readonly kind: 'clear' }

export interface FaultStep {
  readonly atMs?: number
  /** Fires again and again with this period. */
  readonly everyMs?: number
  /** How often in all; for ever unless given, once without `everyMs`. */
  readonly times?: number
  readonly fault: Fault
}

export interface FaultPlan {
  readonly steps: readonly FaultStep[]
}

type Check = (value: unknown) => boolean
const isText: Check = (value) => typeof value === 'string' && value.length > 0
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isChance: Check = (value) => typeof value === 'number' && value >= 0 && value <= 1
const oneOf =
  (...names: readonly unknown[]): Check =>
  (value) =>
    names.includes(value)
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value))

const FAULT_FIELDS: Readonly<Record<Fault['kind'], Readonly<Record<string, Check>>>> = {
  disconnect: {
    how: oneOf('clean', 'reset', 'silent', 'mute'),
    connections: optional(either(oneOf('all', 'oldest', 'random'), isCount))
  },
  refuseConnects: { forMs: isCount },
  frames: {
    action: oneOf('drop', 'duplicate', 'reorder', 'malform'),
    probability: optional(isChance),
    count: optional(isCount),
    streams: optional(isText)
  },
  mute: { streams: isText, forMs: optional(isCount) },
  acks: { delayMs: either(isCount, oneOf(null)), count: optional(isCount) },
  slowReading: { delayMs: isCount, forMs: optional(isCount) },
  rest: {
    status: isCount,
    retryAfterSeconds: optional(isCount),
    count: optional(isCount),
    path: optional(isText),
    delayMs: optional(isCount)
  },
  serverShutdown: { closeAfterMs: optional(isCount) },
  clear: {}
}
const STEP_FIELDS: Readonly<Record<string, Check>> = {
  atMs: optional(isCount),
  everyMs: optional((value) => isCount(value) && value !== 0),
  times: optional(isCount),
  fault: (value) => typeof value === 'object' && value !== null
}

/** A plan from a JSON file's text. @throws SLUICE_CONFIG_INVALID naming the step and the key */
export function parseFaultPlan(text: string): FaultPlan {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', 'reading the fault plan: not JSON', {}, error)
  }
  const steps = Array.isArray(value) ? value : (value as { steps?: unknown } | null)?.steps
  if (!Array.isArray(steps)) {
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      'reading the fault plan: expected a list of steps, or {"steps": […]}'
    )
  }
  for (const [index, step] of steps.entries()) checkStep(step, index)
  return { steps: steps as FaultStep[] }
}

function checkStep(step: unknown, index: number): void {
  checkFields(step, STEP_FIELDS, `step ${index + 1}`)
  const { fault } = step as { fault: { kind?: unknown } }
  const kind = fault.kind
  if (typeof kind !== 'string' || !Object.hasOwn(FAULT_FIELDS, kind)) {
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      `reading the fault plan: step ${index + 1}: unknown kind ${JSON.stringify(kind)}; ` +
        `known are ${Object.keys(FAULT_FIELDS).join(', ')}`
    )
  }
  const fields = { ...FAULT_FIELDS[kind as Fault['kind']], kind: isText }
  checkFields(fault, fields, `step ${index + 1}, ${kind}`)
}

function checkFields(value: unknown, fields: Readonly<Record<string, Check>>, at: string): void {
  const given: Record<string, unknown> =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const wrong =
    Object.keys(given).find((key) => !Object.hasOwn(fields, key)) ??
    Object.keys(fields).find((key) => !(fields[key] as Check)(given[key]))
  if (wrong === undefined) return
  const problem = Object.hasOwn(fields, wrong) ? 'bad value for' : 'unknown key'
  throw new SluiceError(
    'SLUICE_CONFIG_INVALID',
    `reading the fault plan: ${at}: ${problem} ${wrong}`
  )
}
