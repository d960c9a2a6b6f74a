import { availableParallelism } from 'node:os'
import { hash, parseOptions, verify } from '@node-rs/argon2'
import { boundedHasher } from 'jotward'
import type { PasswordHasher } from 'jotward'

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. The algorithm is the package's default. */
const COSTS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

const PREFIX = '$argon2id$v=19$'

/** A hash from a foreign database must not be able to ask for gigabytes or minutes. */
const MOST = { memoryCost: 262_144, timeCost: 16, parallelism: 16 } as const

type Costs = Readonly<Record<keyof typeof COSTS, number>>

const costsOf = (passwordHash: string): Costs | null => {
  try {
    return parseOptions(passwordHash)
  } catch {
    return null
  }
}

const isWithin = (costs: Costs, most: Costs): boolean =>
  costs.memoryCost <= most.memoryCost && costs.timeCost <= most.timeCost && costs.parallelism <= most.parallelism

const isUsable = (passwordHash: string): boolean => {
  const costs = costsOf(passwordHash)
  return costs !== null && isWithin(costs, MOST)
}

/**
 * Hashes passwords with argon2id (19 MiB, t=2, p=1) into PHC strings, not more at once than the machine has cores.
 *
 * @throws AuthError `overloaded` where too many wait already
 */
export const argon2Hasher = (): PasswordHasher =>
  boundedHasher(
    {
      hash: (password) => hash(password, COSTS),
      verify: async (password, passwordHash) =>
        isUsable(passwordHash) && verify(passwordHash, password).catch(() => false),
      needsRehash: (passwordHash) => {
        const costs = costsOf(passwordHash)
        return (
          costs === null ||
          !passwordHash.startsWith(PREFIX) ||
          costs.memoryCost < COSTS.memoryCost ||
          costs.timeCost < COSTS.timeCost
        )
      },
    },
    // Beyond four they would wait for Node's thread pool instead, with everything else that needs it.
    { concurrency: Math.min(4, availableParallelism()) },
  )
