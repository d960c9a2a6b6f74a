import type { StorePromises } from '../../ports/store.ts'
import type { ResolvedOptions } from './options.ts'
import type { StoreParts } from './parts.ts'
import { inspect } from './readiness.ts'
import type { Info } from './readiness.ts'

/** What one server keeps, by what INFO tells; what that does not tell counts as not kept. */
export const promisesOf = (info: Info, { replicas }: Pick<ResolvedOptions, 'replicas'>): StorePromises => {
  const connected = Number(info.get('connected_slaves') ?? 0)
  const keepsAll = info.get('maxmemory_policy') === 'noeviction'
  const crash = info.get('aof_enabled') === '1' && keepsAll
  const failover = connected === 0 && replicas === 0 ? null : replicas > 0 && connected <= replicas
  const remarks: string[] = []
  if (!keepsAll) remarks.push('set maxmemory-policy noeviction, or full memory drops revocations')
  if (!crash && keepsAll) remarks.push('set appendonly yes, or a restart forgets what was revoked')
  // INFO does not tell appendfsync, and CONFIG is for administrators.
  if (crash) remarks.push('a loss of power may lose what the last second acknowledged, unless appendfsync is always')
  if (failover === false && replicas === 0) {
    remarks.push(`${connected} replicas follow and none is waited for; set durability: "replicated"`)
  }
  if (failover === false && replicas > 0) {
    remarks.push(`${replicas} of ${connected} replicas are waited for; set replicas: ${connected}`)
  }
  if (failover === true) remarks.push(`every write that must last is waited for by ${replicas} of its replicas`)
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
