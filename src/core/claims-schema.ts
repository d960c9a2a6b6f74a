import type { JsonObject } from './token/json.ts'

/** What a Standard Schema (version 1) says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] }

/**
 * The part of the Standard Schema interface (standardschema.dev, version 1) that custom claims need; zod, valibot and
 * arktype offer it. It must answer at once: a guard does not wait for a schema.
 */
export interface ClaimsSchema<Claims> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Claims> | Promise<SchemaResult<Claims>>
  }
}

/** Turns custom claims as the token carries them into what handlers get, or says why they are not acceptable. */
export type ReadClaims<Claims> = (claims: JsonObject) => { readonly claims: Claims } | { readonly problem: string }

/** Whether a schema answers with promises, which makes it unusable here. */
export const isAsynchronous = (schema: ClaimsSchema<unknown>): boolean => {
  try {
    const result = schema['~standard'].validate({})
    if (!(result instanceof Promise)) return false
    result.catch(() => undefined)
    return true
  } catch {
    return false
  }
}

export const claimsReader =
  <Claims>(schema: ClaimsSchema<Claims>): ReadClaims<Claims> =>
  (claims) => {
    const result = schema['~standard'].validate(claims)
    if (result instanceof Promise) {
      // A promise that nobody awaits would end the process when it rejects.
      result.catch(() => undefined)
      return { problem: 'the claims schema answered with a promise' }
    }
    if (result.issues === undefined) return { claims: result.value }
    return { problem: result.issues.map(({ message }) => message).join('; ') }
  }
