import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { ConfigError } from '../core/errors.ts'
import type { ConfigProblem } from '../core/errors.ts'
import type { PasswordHasher } from '../ports/password-hasher.ts'

/** How much work one hash is (RFC 7914 §2). Memory is 128 * cost * blockSize bytes: 32 MiB by default. */
export interface ScryptOptions {
  /** N, a power of two. Default: 2^15. Less than 2^13 is for tests only. */
  readonly cost?: number
  /** r. Default: 8. */
  readonly blockSize?: number
  /** p, rounds one after the other. Default: 3, which with 2^15 and 8 is a row of OWASP's table. */
  readonly parallelization?: number
}

type ScryptCost = Required<ScryptOptions>

interface ScryptHash extends ScryptCost {
  readonly salt: Buffer
  readonly key: Buffer
}

const SALT_BYTES = 16
const KEY_BYTES = 32

/** Bounds of what is read from a hash and of what is made, so that no hash can be made that is not read again. */
const MIN_COST = 2 ** 10
const MAX_COST = 2 ** 20
const MAX_BLOCK_SIZE = 32
const MAX_PARALLELIZATION = 16
/** Bytes, and N * r * p. Whoever can write a hash must not be able to make its verification take gigabytes, or minutes. */
const MAX_MEMORY = 2 ** 30
const MAX_WORK = 2 ** 25

const PHC = /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z\d+/]{11,86})\$([A-Za-z\d+/]{22,86})$/

const memoryOf = ({ cost, blockSize }: ScryptCost): number => 128 * cost * blockSize

const workOf = ({ cost, blockSize, parallelization }: ScryptCost): number => cost * blockSize * parallelization

const isAffordable = (cost: ScryptCost): boolean =>
  cost.cost >= MIN_COST &&
  cost.cost <= MAX_COST &&
  cost.blockSize <= MAX_BLOCK_SIZE &&
  cost.parallelization <= MAX_PARALLELIZATION &&
  memoryOf(cost) <= MAX_MEMORY &&
  workOf(cost) <= MAX_WORK

const encode = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')

/** The bytes of unpadded Base64, or null where bits are left over, so that one hash has one spelling. */
const decode = (text: string): Buffer | null => {
  const bytes = Buffer.from(text, 'base64')
  return encode(bytes) === text ? bytes : null
}

/** Reads a PHC string, or returns null for one of another kind, malformed, or beyond the bounds. */
const parseHash = (text: string): ScryptHash | null => {
  const [, logCost, blockSize, parallelization, saltText, keyText] = PHC.exec(text) ?? []
  if (saltText === undefined || keyText === undefined) return null
  const cost = {
    cost: 2 ** Number(logCost),
    blockSize: Number(blockSize),
    parallelization: Number(parallelization),
  }
  const salt = decode(saltText)
  const key = decode(keyText)
  return salt !== null && key !== null && isAffordable(cost) ? { ...cost, salt, key } : null
}

const formatHash = ({ cost, blockSize, parallelization, salt, key }: ScryptHash): string =>
  `$scrypt$ln=${Math.log2(cost)},r=${blockSize},p=${parallelization}$${encode(salt)}$${encode(key)}`

const derive = (password: string, salt: Buffer, cost: ScryptCost & { readonly keyBytes: number }): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // Node's own limit of 32 MiB is just below what the default cost takes with its buffers.
    const maxmem = 2 * (memoryOf(cost) + 128 * cost.blockSize * cost.parallelization)
    const { cost: N, blockSize: r, parallelization: p } = cost
    scrypt(password, salt, cost.keyBytes, { N, r, p, maxmem }, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })

const problemsOf = (cost: ScryptCost): ConfigProblem[] => {
  const problems: ConfigProblem[] = []
  if (!Number.isInteger(Math.log2(cost.cost)) || cost.cost < MIN_COST || cost.cost > MAX_COST) {
    problems.push({ path: 'scrypt.cost', problem: 'must be a power of two from 2 ** 10 to 2 ** 20; write 2 ** 15' })
  }
  if (!Number.isInteger(cost.blockSize) || cost.blockSize < 1 || cost.blockSize > MAX_BLOCK_SIZE) {
    problems.push({ path: 'scrypt.blockSize', problem: `must be a whole number from 1 to ${MAX_BLOCK_SIZE}; write 8` })
  }
  if (
    !Number.isInteger(cost.parallelization) ||
    cost.parallelization < 1 ||
    cost.parallelization > MAX_PARALLELIZATION
  ) {
    const problem = `must be a whole number from 1 to ${MAX_PARALLELIZATION}; write 3`
    problems.push({ path: 'scrypt.parallelization', problem })
  }
  if (problems.length === 0 && !isAffordable(cost)) {
    problems.push({ path: 'scrypt', problem: 'would take more than 1 GiB, or minutes, for one hash; lower the cost' })
  }
  return problems
}

/** Less memory or less computation than asked today. More of one does not make up for less of the other. */
const isWeaker = (hash: ScryptHash, today: ScryptCost): boolean =>
  memoryOf(hash) < memoryOf(today) ||
  workOf(hash) < workOf(today) ||
  hash.salt.length < SALT_BYTES ||
  hash.key.length < KEY_BYTES

/**
 * Hashes with scrypt (RFC 7914), off the event loop, into PHC strings like `$scrypt$ln=15,r=8,p=3$<salt>$<key>`.
 *
 * Passwords are taken as they are: normalising and limiting them is `createPasswordCheck`'s. Verification never
 * spends more than 1 GiB on a hash, whatever the hash says.
 *
 * @throws ConfigError where the cost is not one that scrypt can have, or is out of range
 */
export const scryptHasher = ({
  cost = 2 ** 15,
  blockSize = 8,
  parallelization = 3,
}: ScryptOptions = {}): PasswordHasher => {
  const today: ScryptCost = { cost, blockSize, parallelization }
  const problems = problemsOf(today)
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    hash: async (password) => {
      const salt = randomBytes(SALT_BYTES)
      return formatHash({ ...today, salt, key: await derive(password, salt, { ...today, keyBytes: KEY_BYTES }) })
    },
    verify: async (password, hash) => {
      const parsed = parseHash(hash)
      if (parsed === null) return false
      const key = await derive(password, parsed.salt, { ...parsed, keyBytes: parsed.key.length })
      return timingSafeEqual(key, parsed.key)
    },
    needsRehash: (hash) => {
      const parsed = parseHash(hash)
      return parsed === null || isWeaker(parsed, today)
    },
  }
}
