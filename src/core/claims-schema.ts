import { isPromiseLike } from './maybe-promise.ts'
import type { JsonObject } from './token/json.ts'

/** What a Standard Schema (version 1) says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] }

/**
 * The part of the Standard Schema interface (standardschema.dev, version 1) that custom claims need; zod, valibot and
 * arktype offer it. It must answer at once: a guard does not wait for a schema.
 */
export interface ClaimsSchema<Claims, Input = object> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    /** Types only; never there at run time. */
    readonly types?: { readonly input: Input; readonly output: Claims } | undefined
    readonly validate: (value: unknown) => SchemaResult<Claims> | Promise<SchemaResult<Claims>>
  }
}

/** Turns custom claims as the token carries them into what handlers get, or says why they are not acceptable. */
export type ReadClaims<Claims> = (claims: JsonObject) => { readonly claims: Claims } | { readonly problem: string }

/** Lets nobody wait for a promise: one that rejects unheard would end the process. */
const dismiss = (promise: PromiseLike<unknown>): void => {
  promise.then(undefined, () => undefined)
}

/** Whether a schema answers with promises, as far as an empty object shows; that makes it unusable here. */
export const isAsynchronous = (schema: ClaimsSchema<unknown>): boolean => {
  try {
    const result: unknown = schema['~standard'].validate({})
    if (!isPromiseLike(result)) return false
    dismiss(result)
    return true
  } catch {
    return false
  }
}

const judge = <Claims>(schema: ClaimsSchema<Claims>, claims: JsonObject): SchemaResult<Claims> | null => {
  const result = schema['~standard'].validate(claims)
  if (!isPromiseLike(result)) return result
  dismiss(result)
  return null
}

export const claimsReader =
  <Claims>(schema: ClaimsSchema<Claims>): ReadClaims<Claims> =>
  (claims) => {
    const result = judge(schema, claims)
    if (result === null) return { problem: 'the claims schema answered with a promise' }
    if (result.issues !== undefined) return { problem: result.issues.map(({ message }) => message).join('; ') }
    return 'value' in result ? { claims: result.value } : { problem: 'the claims schema answered with nothing' }
  }
