import { ConfigError } from '../../core/errors.ts'
import type { ConfigProblem } from '../../core/errors.ts'
import type { ResolvedOptions } from './options.ts'
import type { StoreParts } from './parts.ts'
import { toList, toText } from './replies.ts'
import { failsWith, storeError } from './runner.ts'

/** What the store asks of the servers beneath it, before it makes promises that rest on them. */

const LAYOUT = '1'

const CHECKING = 'checking the server'

const configError = (problem: string): ConfigError => new ConfigError([{ path: 'store', problem }])

/** What a refusal of the server means to whoever has set it up; null where it may pass. */
const remedyOf = (cause: unknown): string | null => {
  const words = cause instanceof Error ? cause.message : String(cause)
  // Each stands behind the words in which `StoreError` names the operation.
  const [, refusal = words] = /: ((?:WRONGPASS|NOAUTH|NOPERM|MOVED|ERR unknown command).*)$/.exec(words) ?? []
  if (failsWith(refusal, 'WRONGPASS') || failsWith(refusal, 'NOAUTH')) {
    return `Redis refuses the login (${refusal}); give the client its user name and password`
  }
  if (failsWith(refusal, 'NOPERM') || failsWith(refusal, 'ERR unknown command')) {
    return `Redis does not let this user run scripts (${refusal}); grant +@scripting +@read +@write +@fast +wait +info on the keys of the prefix`
  }
  if (failsWith(refusal, 'MOVED'))
    return 'Redis is a node of a Cluster; give the Cluster client of ioredis or node-redis'
  return null
}

const explained = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (cause) {
    const remedy = remedyOf(cause)
    throw remedy === null ? cause : configError(remedy)
  }
}

/**
 * Notes the number of buckets in the store, or compares it with what is noted there.
 *
 * @throws ConfigError where the store was made with another number, or by another version of Jotward
 */
export const checkLayout = async ({ runner, buckets }: StoreParts): Promise<void> => {
  const count = String(buckets.all.length)
  const call = { operation: CHECKING, bucket: buckets.first, script: 'prepare', args: [LAYOUT, count] } as const
  const [layout, noted] = await explained(runner.run(call, (reply) => toList(reply).map(toText)))
  if (layout !== LAYOUT) {
    throw configError(`the layout in Redis has version ${layout}, and this Jotward needs version ${LAYOUT}`)
  }
  if (noted !== count) {
    throw configError(
      `the store in Redis has ${noted} buckets; set buckets: ${noted}, or another prefix for a new store`,
    )
  }
}

export type Info = ReadonlyMap<string, string>

/** What INFO tells, by name. */
export const parseInfo = (text: string): Info =>
  new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]]
    }),
  )

/** What must be otherwise before the store can keep its promises. */
export const problemsIn = (
  info: Info,
  { mayEvict, mayForget }: Pick<ResolvedOptions, 'mayEvict' | 'mayForget'>,
): readonly string[] => {
  const problems: string[] = []
  const version = info.get('redis_version') ?? ''
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  if (Number.parseInt(version, 10) < 7) problems.push(`Redis is version ${version}; use Redis 7 or later, or Valkey`)
  if (info.get('role') === 'slave') problems.push('Redis is a replica, which lags and cannot write; give the primary')
  if (policy !== 'noeviction' && !mayEvict) {
    problems.push(`Redis drops revocations when its memory is full (${policy}); set maxmemory-policy noeviction`)
  }
  if (info.get('aof_enabled') === '0' && !mayForget) {
    problems.push('Redis forgets revocations when it is started anew; set appendonly yes')
  }
  return problems
}

const warningsIn = (info: Info, { replicas }: ResolvedOptions): readonly string[] => {
  const warnings: string[] = []
  const hidden = ['redis_version', 'role', 'maxmemory_policy', 'aof_enabled'].filter((name) => !info.has(name))
  if (hidden.length > 0) warnings.push(`Redis does not tell ${hidden.join(', ')}, which could not be checked`)
  if (replicas === 0 && Number(info.get('connected_slaves') ?? 0) > 0) {
    warnings.push(
      'Redis has replicas, and a failover may lose what was revoked just before; set durability: "replicated"',
    )
  }
  return warnings
}

/** What INFO tells of the servers of all buckets, or why it does not. */
export const inspect = ({ runner, buckets }: StoreParts): Promise<readonly (Info | string)[]> => {
  const calls = buckets.all.map((bucket) => ({ operation: CHECKING, bucket, script: 'inspect', args: [] }) as const)
  return Promise.all(
    calls.map((call) =>
      explained(
        runner.run(call, (reply) => {
          const [kind, text = ''] = toList(reply).map(toText)
          return kind === 'told' ? parseInfo(text) : text
        }),
      ),
    ),
  )
}

/** Whether as many replicas as must acknowledge are connected, and do. */
const checkReplicas = async (
  { runner, buckets }: StoreParts,
  answers: readonly (Info | string)[],
  { replicas }: ResolvedOptions,
): Promise<void> => {
  for (const info of answers) {
    const connected = typeof info === 'string' ? replicas : Number(info.get('connected_slaves') ?? replicas)
    if (connected < replicas)
      throw storeError(CHECKING, new Error(`${connected} of ${replicas} replicas are connected`))
  }
  const calls = buckets.all.map((bucket) => ({ operation: CHECKING, bucket, script: 'heartbeat', args: [] }) as const)
  await Promise.all(calls.map((call) => explained(runner.runDurably(call, toText))))
}

/**
 * Asks the server of each bucket for what revocations rest on.
 *
 * @throws ConfigError with everything that must be set otherwise
 * @throws StoreError where a server cannot be reached, or has fewer replicas than must acknowledge
 */
export const checkServers = async (parts: StoreParts, options: ResolvedOptions): Promise<void> => {
  const { runner } = parts
  const answers = await inspect(parts)
  // Most buckets share a server, and all servers should be alike: each thing is said once.
  const warnings = new Set<string>()
  const problems = new Set<string>()
  for (const info of answers) {
    if (typeof info === 'string') warnings.add(`Redis does not answer INFO, and was not checked (${info})`)
    else {
      for (const problem of problemsIn(info, options)) problems.add(problem)
      for (const warning of warningsIn(info, options)) warnings.add(warning)
    }
  }
  if (problems.size > 0) {
    throw new ConfigError(Array.from(problems, (problem): ConfigProblem => ({ path: 'store', problem })))
  }
  for (const warning of warnings) options.warn(warning)
  if (runner.isReplicated) await checkReplicas(parts, answers, options)
}
