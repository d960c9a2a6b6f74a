import { ConfigError } from '../../core/errors.ts'
import type { ConfigProblem } from '../../core/errors.ts'
import { unknownKeys } from '../../core/unknown-keys.ts'

export interface RedisStoreOptions {
  /** Stands before every key; default `'jotward'`. Letters, digits and `_`, `-`, `.`, `:`. */
  readonly prefix?: string
  /**
   * Into how many parts the store is cut, so that a Cluster can spread them over its nodes: a power of two up to 1024;
   * default 16. Noted in the store when it is first used, and fixed from then on.
   */
  readonly buckets?: number
  /**
   * When a sign-in, a revocation or a spending is acknowledged. `'local'` (default): once the primary has it, so that a
   * failover may lose it. `'replicated'`: once `replicas` of its replicas have it too; else `StoreError`, and it is not
   * known whether it was done.
   */
  readonly durability?: 'local' | 'replicated'
  /** How many replicas must have it: all that could be promoted; default 1. Only with `durability: 'replicated'`. */
  readonly replicas?: number
  /** How long the replicas are waited for, in milliseconds: 10 to 10000, default 250. The connection waits with it. */
  readonly replicationTimeoutMs?: number
  /** Is told by `ready()` of what it could not check, and of what may be lost. */
  readonly onWarning?: (warning: string) => void
  /**
   * Starts although the server may drop keys when its memory is full: with them go revocations, and revoked tokens are
   * accepted again.
   *
   * @deprecated dangerous
   */
  readonly dangerouslyAllowEviction?: boolean
  /**
   * Starts although the server writes no append-only file: a restart forgets what was revoked, and signs everybody out.
   *
   * @deprecated dangerous
   */
  readonly dangerouslyAllowNoPersistence?: boolean
}

export interface ResolvedOptions {
  readonly prefix: string
  readonly buckets: number
  /** How many replicas must acknowledge a write that must be durable; 0: none is asked. */
  readonly replicas: number
  readonly replicationTimeoutMs: number
  readonly warn: (warning: string) => void
  readonly mayEvict: boolean
  readonly mayForget: boolean
}

const NAMES = [
  'prefix',
  'buckets',
  'durability',
  'replicas',
  'replicationTimeoutMs',
  'onWarning',
  'dangerouslyAllowEviction',
  'dangerouslyAllowNoPersistence',
] as const satisfies readonly (keyof RedisStoreOptions)[]

const isWhole = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max

const problemsOf = (options: RedisStoreOptions): readonly ConfigProblem[] => {
  const { prefix, buckets, durability, replicas, replicationTimeoutMs, onWarning } = options
  const rules: readonly (readonly [name: string, isRight: boolean, problem: string])[] = [
    // A brace would begin another hash tag.
    ['prefix', /^[\w.:-]{1,64}$/.test(prefix ?? 'jotward'), 'must be 1 to 64 letters, digits, "_", "-", "." or ":"'],
    [
      'buckets',
      isWhole(buckets ?? 16, 1, 1024) && Number.isInteger(Math.log2(buckets ?? 16)),
      'must be a power of two, at most 1024',
    ],
    [
      'durability',
      durability === undefined || durability === 'local' || durability === 'replicated',
      'must be "local" or "replicated"',
    ],
    ['replicas', isWhole(replicas ?? 1, 1, 16), 'must be a whole number from 1 to 16'],
    [
      'replicas',
      replicas === undefined || durability === 'replicated',
      'is waited for only with durability: "replicated"',
    ],
    [
      'replicationTimeoutMs',
      isWhole(replicationTimeoutMs ?? 250, 10, 10_000),
      'must be a whole number from 10 to 10000',
    ],
    ['onWarning', onWarning === undefined || typeof onWarning === 'function', 'must be a function'],
  ]
  return rules.flatMap(([path, isRight, problem]) => (isRight ? [] : [{ path, problem }]))
}

/** @throws ConfigError with every problem */
export const resolveOptions = (options: RedisStoreOptions): ResolvedOptions => {
  const problems = [...unknownKeys('', options, NAMES), ...problemsOf(options)]
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    prefix: options.prefix ?? 'jotward',
    buckets: options.buckets ?? 16,
    replicas: options.durability === 'replicated' ? (options.replicas ?? 1) : 0,
    replicationTimeoutMs: options.replicationTimeoutMs ?? 250,
    warn: options.onWarning ?? (() => undefined),
    mayEvict: options.dangerouslyAllowEviction === true,
    mayForget: options.dangerouslyAllowNoPersistence === true,
  }
}
