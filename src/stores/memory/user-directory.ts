import type { User, UserDirectory } from '../../ports/user-directory.ts'
import { newUserId } from '../user-id.ts'

export interface MemoryUserDirectoryOptions {
  /** The store's clock, in milliseconds. */
  readonly now: () => number
}

/** Where a page goes on: the place of the last user shown, which is what a cursor holds. */
const startOf = (after: string | null): number => {
  if (after === null) return 0
  return /^\d{1,15}$/.test(after) ? Number(after) : Number.POSITIVE_INFINITY
}

/**
 * Keeps users in this process. Every method is synchronous and so atomic by itself. Users are copied on their way in
 * and out, so that nobody changes the directory by changing what they hold.
 */
export const memoryUserDirectory = ({ now }: MemoryUserDirectoryOptions): UserDirectory => {
  // A Map keeps the order of making, also where a user is replaced.
  const users = new Map<string, User>()
  const idsByEmail = new Map<string, string>()

  const find = (id: string | undefined): User | null => {
    const user = id === undefined ? undefined : users.get(id)
    return user === undefined ? null : structuredClone(user)
  }

  const put = (user: User): User => {
    users.set(user.id, structuredClone(user))
    return structuredClone(user)
  }

  return {
    create: ({ canonicalEmail, email, passwordHash, permissions, profile }) => {
      if (idsByEmail.has(canonicalEmail)) return null
      const id = newUserId()
      idsByEmail.set(canonicalEmail, id)
      const createdAt = Math.floor(now() / 1000)
      return put({ id, email, passwordHash, permissions, active: true, credentialVersion: 1, profile, createdAt })
    },
    findById: (id) => find(id),
    findByEmail: (canonicalEmail) => find(idsByEmail.get(canonicalEmail)),
    list: ({ after, limit }) => {
      const start = startOf(after)
      const all = Array.from(users.values())
      const end = limit < 1 ? start : start + limit
      const page = all.slice(start, end).map((user) => structuredClone(user))
      return { users: page, next: page.length > 0 && end < all.length ? String(end) : null }
    },
    replacePassword: (id, { expected, hash, changed }) => {
      const user = users.get(id)
      if (user === undefined || user.passwordHash !== expected) return null
      const credentialVersion = user.credentialVersion + (changed ? 1 : 0)
      return put({ ...user, passwordHash: hash, credentialVersion })
    },
    update: (id, { active, permissions, profile }) => {
      const user = users.get(id)
      if (user === undefined) return null
      return put({
        ...user,
        active: active ?? user.active,
        permissions: permissions ?? user.permissions,
        profile: profile ?? user.profile,
      })
    },
  }
}
