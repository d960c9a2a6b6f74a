import { ConfigError } from 'jotward'
import type { ServerStorage } from './server-storage.ts'

/**
 * Where sessions are is noted beside the users. A server that looked for them elsewhere would know of no revocation, and
 * whoever revoked elsewhere would end nobody's.
 */

type Parts = Pick<ServerStorage, 'home' | 'sessions' | 'records'>

const placeOf = ({ sessions }: Pick<Parts, 'sessions'>): string => sessions?.name ?? 'home'

const MOVED = 'if they have moved for good, run `jotward session revoke --everything --moved`, which ends them'

const refuse = ({ home }: Parts, noted: string): ConfigError => {
  const problem =
    noted === 'home'
      ? `is set, and the sessions of ${home.address} are there too; unset it, or, ${MOVED}`
      : `is not set, and the sessions of ${home.address} are in ${noted}; set it to where they are, or, ${MOVED}`
  return new ConfigError([{ path: 'REDIS_URL', problem }])
}

/** @throws ConfigError where the sessions are elsewhere */
export const checkSessionsPlace = async (parts: Parts): Promise<void> => {
  const noted = await parts.records.get('sessions')
  if (noted !== null && noted !== placeOf(parts)) throw refuse(parts, noted)
}

/**
 * Notes where they are, where nothing was noted yet.
 *
 * @throws ConfigError where another server was faster, with another place
 */
export const claimSessionsPlace = async (parts: Parts): Promise<void> => {
  const noted = await parts.records.claim('sessions', placeOf(parts))
  if (noted !== placeOf(parts)) throw refuse(parts, noted)
}

/** For whoever has ended every session: they begin here. */
export const moveSessionsPlace = async (parts: Parts): Promise<void> => {
  await parts.records.set('sessions', placeOf(parts))
}
