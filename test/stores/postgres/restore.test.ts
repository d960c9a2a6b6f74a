import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Session } from '../../../src/core/session/session.ts'
import type { StoreWithUsers } from '../../../src/ports/store.ts'
import { postgresStore } from '../../../src/stores/postgres/postgres-store.ts'
import { replicated } from '../../../src/stores/replicated/index.ts'
import { newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import { created, CREATION, isDenied, outcomeOf } from '../../../src/testing/session-store/fixtures.ts'
import { describeCluster, ownFolder, runBinary, startCopy, startPostgres } from '../postgres-cluster.ts'
import type { PostgresServer } from '../postgres-cluster.ts'
import { connect } from '../postgres-server.ts'

/** What becomes of the revoked when an older backup takes the place of the database (docs/stores.md, "Restoring a backup"). */

const opened = (store: StoreWithUsers) => ({ store, turn: () => undefined, close: () => undefined })

/** A store on a server; both are ended with the test. */
const openOn = (server: PostgresServer): StoreWithUsers => {
  const { client, end } = connect('pg', { url: server.url, max: 4 })
  onTestFinished(async () => {
    await end()
    await server.stop()
  })
  return postgresStore(client)
}

/** Uses up numbers of transactions, as a server that has run for long. */
const grow = (server: PostgresServer) =>
  server.query('DO $$ BEGIN FOR turn IN 1..3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$')

/** A backup by each of the two ways, restored into a server of its own. */
const BACKUPS: Readonly<Record<string, (server: PostgresServer) => Promise<PostgresServer>>> = {
  pg_basebackup: startCopy,
  pg_dump: async (server) => {
    const { folder, remove } = ownFolder()
    onTestFinished(remove)
    const file = join(folder, 'dump.sql')
    await runBinary('pg_dump', ['-d', server.url, '-f', file])
    const restored = await startPostgres()
    await runBinary('psql', ['-d', restored.url, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', file])
    return restored
  },
}

describeCluster('an older backup in place of the database', () => {
  test.each(Object.keys(BACKUPS))(
    'brings back what was revoked since, until everything is revoked, and nothing afterwards (F15): %s',
    async (name) => {
      const server = await startPostgres()
      const before = openOn(server)
      await before.ready()
      await grow(server)
      const token = newToken()
      await setToken(opened(before), token)
      const [kept, ended, cleared] = [
        await created(opened(before)),
        await created(opened(before)),
        await created(opened(before), { subject: 'bob' }),
      ]
      const sessions: readonly Session[] = [kept, ended, cleared]
      const restored = await BACKUPS[name]?.(server)
      if (restored === undefined) throw new Error('there is one of each name')
      await before.sessions.end({ id: ended.id, subject: 'ann', reason: 'signout' }, CREATION)
      await before.revocations.bump('bob')

      const after = openOn(restored)
      await after.ready()
      const denied = (): Promise<readonly boolean[]> =>
        Promise.all(sessions.map((session) => isDenied(opened(after), session)))
      expect(await denied()).toEqual([false, false, false])
      expect(await after.revocations.isRevokedAtSource(token), 'what was revoked before the backup').toBe(true)
      const copy = replicated(after, { pollMs: 1000 })
      onTestFinished(async () => copy.close())
      await copy.ready()

      // The procedure of docs/stores.md.
      await restored.query('UPDATE jotward.meta SET source = gen_random_uuid()')
      await copy.revocations.bump(null)

      expect(await denied()).toEqual([true, true, true])
      for (const { id: sessionId, subject, stamp } of sessions) {
        expect(copy.revocations.isRevoked({ ...newToken(), sessionId, subject, stamp })).toBe(true)
      }
      for (const session of sessions) expect(await outcomeOf(opened(after), session, 0)).toBe('revoked')
      const stamp = await after.revocations.epochs('ann')
      const anew = await created(opened(after), { stamp })
      expect(await outcomeOf(opened(after), anew, 0)).toBe('rotated')
      // Nobody who follows stands ahead of what is revoked from here on.
      const page = await after.revocations.read(null)
      expect(await after.revocations.read(page.cursor)).toMatchObject({ entries: [], source: page.source })
      const later = newToken()
      await setToken(opened(after), later)
      expect((await after.revocations.read(page.cursor)).entries).toMatchObject([{ kind: 'token', id: later.tokenId }])
    },
    180_000,
  )
})
