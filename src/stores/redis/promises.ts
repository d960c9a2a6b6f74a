import type { StorePromises } from '../../ports/store.ts'
import type { ResolvedOptions } from './options.ts'
import type { StoreParts } from './parts.ts'
import { inspect } from './readiness.ts'
import type { Info } from './readiness.ts'

/** Whether a replica that is promoted has what was acknowledged; null where there is none. */
const survivesFailover = (info: Info, connected: number, replicas: number): boolean | null => {
  if (replicas > 0) return connected <= replicas
  // The backlog begins with the first replica, and stays for an hour after the last has gone: to be promoted, perhaps.
  return connected > 0 || info.get('repl_backlog_active') === '1' ? false : null
}

const failoverRemark = (failover: boolean | null, connected: number, replicas: number): readonly string[] => {
  if (failover === null) return []
  if (failover) return [`every write that must last is waited for by ${replicas} of its replicas`]
  if (replicas > 0) return [`${replicas} of ${connected} replicas are waited for; set replicas: ${connected}`]
  const followed = connected > 0 ? `${connected} replicas follow` : 'a replica has followed that is gone now,'
  return [`${followed} and none is waited for; set durability: "replicated"`]
}

/** What one server keeps, by what INFO tells; what that does not tell counts as not kept. */
export const promisesOf = (info: Info, { replicas }: Pick<ResolvedOptions, 'replicas'>): StorePromises => {
  const connected = Number(info.get('connected_slaves') ?? 0)
  const keepsAll = info.get('maxmemory_policy') === 'noeviction'
  const crash = info.get('aof_enabled') === '1' && keepsAll
  const failover = survivesFailover(info, connected, replicas)
  const remarks: string[] = []
  if (!keepsAll) remarks.push('set maxmemory-policy noeviction, or full memory drops revocations')
  if (!crash && keepsAll) remarks.push('set appendonly yes, or a restart forgets what was revoked')
  // INFO does not tell appendfsync, and CONFIG is for administrators.
  if (crash) remarks.push('a loss of power may lose what the last second acknowledged, unless appendfsync is always')
  remarks.push(...failoverRemark(failover, connected, replicas))
  return { crash, powerLoss: false, failover, remarks }
}

const UNTOLD: StorePromises = {
  crash: false,
  powerLoss: false,
  failover: false,
  remarks: ['a server does not answer INFO, so that nothing can be said of it'],
}

/** All servers together keep what each of them keeps. */
const together = (a: StorePromises, b: StorePromises): StorePromises => ({
  crash: a.crash && b.crash,
  powerLoss: a.powerLoss && b.powerLoss,
  failover: a.failover === null ? b.failover : b.failover === null ? a.failover : a.failover && b.failover,
  remarks: [...new Set([...a.remarks, ...b.remarks])],
})

/** @throws StoreError where a server does not answer */
export const readPromises = async (parts: StoreParts, options: ResolvedOptions): Promise<StorePromises> => {
  const answers = await inspect(parts)
  return answers.map((info) => (typeof info === 'string' ? UNTOLD : promisesOf(info, options))).reduce(together)
}
