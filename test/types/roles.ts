import { createAuth, memoryStore } from 'jotward'
import type { Auth, JsonObject, Principal, Requirement } from 'jotward'
import { expectTypeOf } from 'vitest'

/** A role is a name like a permission's; names and roles alone say which there are. Nothing here is ever run. */

const base = { issuer: 'a', audience: 'a', keys: { secret: 'never run' }, store: memoryStore() }

export const roles = () => {
  const desk = createAuth({
    ...base,
    permissions: {
      names: ['orders:read', 'orders:write'],
      roles: { clerk: ['orders:read'], chief: ['clerk', 'orders:*'] },
      includes: { 'orders:write': ['orders:read'] },
      superPermission: 'chief',
    },
  })
  expectTypeOf(desk).toEqualTypeOf<Auth<JsonObject, 'orders:read' | 'orders:write' | 'clerk' | 'chief'>>()
  desk.guard({ permissions: ['clerk'], anyOf: ['chief', 'orders:read'] })
  void desk.issue({ subject: 'ann', permissions: ['clerk', 'orders:write'] })
  // @ts-expect-error a misspelt role
  desk.guard({ permissions: ['clark'] })
  // @ts-expect-error a misspelt role is not granted
  void desk.issue({ subject: 'ann', permissions: ['clark'] })
}

export const misspelt = () => {
  const names = ['orders:read', 'orders:write', 'admin'] as const
  // @ts-expect-error a role stands for permissions that there are
  createAuth({ ...base, permissions: { names, roles: { clerk: ['orders:raed'] } } })
  // @ts-expect-error a permission includes permissions that there are
  createAuth({ ...base, permissions: { names, includes: { admin: ['orders:raed'] } } })
  // @ts-expect-error the super-permission is one of them
  createAuth({ ...base, permissions: { names, superPermission: 'adimn' } })
}

/** What is bound to a resource is granted, and asked of a caller, like its permission. */
export const bound = (caller: Principal<JsonObject, 'trial:read'>) => {
  const trials = createAuth({ ...base, permissions: { names: ['trial:read'] } })
  void trials.issue({ subject: 'ann', permissions: ['trial:read:17'] })
  void trials.tokens.sign({ subject: 'ann', permissions: ['trial:read:17'] })
  caller.can('trial:read:17')
  // @ts-expect-error bound to a permission that there is not
  void trials.issue({ subject: 'ann', permissions: ['trail:read:17'] })
  // @ts-expect-error bound to a permission that there is not
  caller.can('trail:read:17')
}

/** Where no names are declared, any is one: a role or a super-permission alone declares nothing. */
export const undeclared = () => {
  const open = createAuth({ ...base, permissions: { superPermission: 'admin' } })
  expectTypeOf<Parameters<typeof open.guard>[0]>().toEqualTypeOf<Requirement<string, JsonObject> | undefined>()
  open.guard({ permissions: ['whatever'] })
}
