import type { Principal } from '../core/request/principal.ts'

/** Who called, kept beside the framework's own object of the request, so that nothing has to be merged into its type. */
export interface Principals<Claims, P extends string> {
  readonly set: (carrier: object, principal: Principal<Claims, P> | null) => void
  /** Whether a guard ran on it. */
  readonly knows: (carrier: object) => boolean
  /** The verified caller. Throws where no guard ran, or an optional one let an anonymous caller through. */
  readonly principal: (carrier: object) => Principal<Claims, P>
  /** The verified caller, or null under an optional guard. Throws where no guard ran. */
  readonly optionalPrincipal: (carrier: object) => Principal<Claims, P> | null
}

export const createPrincipals = <Claims, P extends string>(): Principals<Claims, P> => {
  const known = new WeakMap<object, Principal<Claims, P> | null>()
  const optionalPrincipal = (carrier: object): Principal<Claims, P> | null => {
    const principal = known.get(carrier)
    if (principal === undefined) throw new Error('No guard ran on this request; put protect() before the handler.')
    return principal
  }
  return {
    set: (carrier, principal) => {
      known.set(carrier, principal)
    },
    knows: (carrier) => known.has(carrier),
    optionalPrincipal,
    principal: (carrier) => {
      const principal = optionalPrincipal(carrier)
      if (principal === null)
        throw new Error('The caller is anonymous; use optionalPrincipal() under an optional guard.')
      return principal
    },
  }
}

/** What templates see of a response, where it has such a thing. */
export interface Locals {
  locals?: object | null
}

/** Tells templates who calls, as `principal`; a response that has nothing for them is left alone. */
export const tellTemplates = (response: Locals, principal: unknown): void => {
  if ('locals' in response) response.locals = { ...response.locals, principal }
}
