/** Request bodies: one object is the JSON Schema, the compiled check and the TypeScript type. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { type Static, type TSchema, Type } from 'typebox'
import { HttpError } from './http-error.ts'

const Name = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\u0000-\\u001f\\u007f]+$' })

export const SubscriptionSchema = Type.Object(
  {
    adapter: Type.Optional(Name),
    channels: Type.Array(Name, { minItems: 1, maxItems: 100 }),
    symbols: Type.Optional(Type.Array(Name, { maxItems: 5000 }))
  },
  { additionalProperties: false }
)

const SubscriptionList = Type.Array(SubscriptionSchema, { minItems: 1, maxItems: 100 })

/** One subscription, a list of them, or the object that GET answers. */
export const SubscriptionsSchema = Type.Union([
  SubscriptionSchema,
  SubscriptionList,
  Type.Object({ subscriptions: SubscriptionList }, { additionalProperties: false })
])

export const LogLevelSchema = Type.Object(
  {
    level: Type.Union(
      (['trace', 'debug', 'info', 'warn', 'error'] as const).map((level) => Type.Literal(level))
    )
  },
  { additionalProperties: false }
)

export const EmptySchema = Type.Object({}, { additionalProperties: false })

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true })

export type Check<S extends TSchema> = (body: unknown) => Static<S>

/** A function that returns the body typed, or throws HttpError 400 that says what is wrong. */
export function compile<S extends TSchema>(schema: S): Check<S> {
  const validate: ValidateFunction = ajv.compile(schema)
  return (body) => {
    if (body === undefined) {
      throw new HttpError(400, { code: 'bad_body', message: 'a JSON body is required' })
    }
    if (!validate(body)) {
      throw new HttpError(400, { code: 'bad_body', message: messageOf(validate.errors ?? []) })
    }
    return body as Static<S>
  }
}

/** Of the complaints of all forms a body may have, the one about the form that was meant. */
function messageOf(errors: readonly ErrorObject[]): string {
  const depth = ({ instancePath }: ErrorObject): number => instancePath.split('/').length
  const deepest = Math.max(...errors.map(depth))
  const close = errors.filter((error) => depth(error) === deepest)
  const first = close.find(({ keyword }) => keyword !== 'type' && keyword !== 'anyOf') ?? close[0]
  if (first === undefined) return 'the body is not as it must be'
  const where = first.instancePath === '' ? 'the body' : first.instancePath
  if (first.keyword === 'const') {
    const values = close.flatMap(({ params }) => params['allowedValue'] ?? [])
    return `${where} must be one of ${values.join(', ')}`
  }
  if (first.keyword === 'minItems') return `${where} is an empty list`
  const extra: unknown = first.params['additionalProperty']
  const named = typeof extra === 'string' ? ` (${extra.slice(0, 64)})` : ''
  return `${where} ${first.message ?? 'is not as it must be'}${named}`
}
