import type { StorePromises } from '../../ports/store.ts'
import type { Query } from './client.ts'
import { answerOf } from './database.ts'
import { toStoreError } from './failures.ts'
import { readInteger, readText } from './row.ts'
import { SYNCHRONOUS_LEVELS } from './sql/shared.ts'

const DURABILITY = `SELECT json_build_object(
  'synchronousCommit', current_setting('synchronous_commit'),
  'fullPageWrites', current_setting('full_page_writes'),
  'fsync', current_setting('fsync'),
  'synchronousStandbys', current_setting('synchronous_standby_names'),
  'standbys', (SELECT count(*) FROM pg_stat_replication WHERE application_name <> 'pg_basebackup'))::text AS answer`

const WAITS_FOR_STANDBY: ReadonlySet<string> = new Set(SYNCHRONOUS_LEVELS)

/** What the settings of a server, and who follows it, mean for what was acknowledged. */
export const promisesFrom = (settings: unknown): StorePromises => {
  const level = readText(settings, 'synchronousCommit')
  const names = readText(settings, 'synchronousStandbys')
  const standbys = readInteger(settings, 'standbys')
  const crash = level !== 'off'
  const powerLoss = crash && readText(settings, 'fsync') === 'on' && readText(settings, 'fullPageWrites') === 'on'
  const waits = names !== '' && WAITS_FOR_STANDBY.has(level)
  const failover = standbys === 0 && names === '' ? null : waits
  const remarks = [`synchronous_commit is ${level}, synchronous_standby_names is ${names === '' ? 'empty' : names}`]
  if (!crash) remarks.push('set synchronous_commit to on, or a crash brings back what was revoked')
  else if (!powerLoss) remarks.push('set fsync and full_page_writes to on, or a loss of power may lose everything')
  if (failover === false) {
    remarks.push(
      `${standbys} standbys follow and none is waited for; set synchronous_standby_names, or a promoted one lacks what was revoked last`,
    )
  }
  if (waits) remarks.push('synchronous_standby_names must name every standby that could be promoted')
  return { crash, powerLoss, failover, remarks }
}

/** @throws StoreError where the server does not answer */
export const readPromises = async (query: Query): Promise<StorePromises> => {
  try {
    return promisesFrom(answerOf(await query(DURABILITY)))
  } catch (failure) {
    throw toStoreError('reading what the server promises', failure)
  }
}
