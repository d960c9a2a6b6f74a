import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { RevocableToken } from '../../../src/core/session/revocation-set.ts'
import type { StoreWithUsers } from '../../../src/ports/store.ts'
import { postgresStore } from '../../../src/stores/postgres/postgres-store.ts'
import { isRevoked, newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import { created, CREATION, isDenied } from '../../../src/testing/session-store/fixtures.ts'
import { describeCluster, ownFolder, startPostgres, until } from '../postgres-cluster.ts'
import type { Place, PostgresServer } from '../postgres-cluster.ts'
import { connect } from '../postgres-server.ts'

/** A server whose disk is full: a small one in memory, with everything of the server on it (F8). */

const run = (name: string, args: readonly string[]): boolean => spawnSync(name, args, { stdio: 'ignore' }).status === 0

/** A folder that is a small disk of its own, or null where this user may not mount any. */
const smallDisk = (megabytes: number): Place | null => {
  const place = ownFolder()
  const { folder } = place
  if (!run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0777`, 'tmpfs', folder])) {
    place.remove()
    return null
  }
  const unmount = (): void => {
    run('umount', ['-l', folder])
  }
  // Before the folder is removed at the exit.
  process.prependOnceListener('exit', unmount)
  return {
    folder,
    remove: () => {
      unmount()
      process.off('exit', unmount)
      place.remove()
    },
  }
}

const disk = smallDisk(192)

if (disk === null) {
  const words = 'NOT TESTED: PostgreSQL on a full disk. Only a user who may mount a disk of memory can make one.'
  process.stderr.write(`\n${words}\n`)
}

/** Writes blocks of a size until there is no room for another. */
const writeBlocks = (file: number, size: number): void => {
  const block = Buffer.alloc(size)
  try {
    while (writeSync(file, block) === size);
  } catch {
    // Not one more.
  }
}

/** Takes all the room that there is; the name of the file that has it. */
const fill = ({ folder }: Place): string => {
  const name = join(folder, 'ballast')
  const file = openSync(name, 'w')
  for (const size of [2 ** 20, 2 ** 12]) writeBlocks(file, size)
  closeSync(file)
  return name
}

const describeDisk = disk === null ? describe.skip : describeCluster

describeDisk('PostgreSQL on a disk that is full', () => {
  if (disk === null) return
  let server: PostgresServer
  let store: StoreWithUsers
  let end: () => Promise<void>
  const opened = () => ({ store, turn: () => undefined, close: () => undefined })
  /** What was acknowledged, whenever it was. */
  const acknowledged: RevocableToken[] = []

  beforeAll(async () => {
    server = await startPostgres({ min_wal_size: '80MB', max_wal_size: '80MB', wal_keep_size: '0' }, disk)
    const connection = connect('pg', { url: server.url, max: 4 })
    store = postgresStore(connection.client)
    ;({ end } = connection)
    await store.ready()
    // Room for the write-ahead log is had beforehand, so that what fills up first is the tables.
    for (let turn = 0; turn < 5; turn++) await server.query('SELECT pg_switch_wal(); CHECKPOINT')
  }, 120_000)

  afterAll(async () => {
    await end()
    await server.stop()
  })

  const revoke = async (): Promise<unknown> => {
    const token = newToken()
    try {
      await setToken(opened(), token)
      acknowledged.push(token)
      return null
    } catch (failure) {
      return failure
    }
  }

  /** Revokes until that is refused; the refusal. */
  const revokeUntilRefused = async (): Promise<unknown> => {
    for (let count = 0; count < 20_000; count++) {
      // One after another: each takes some of the room that is left.
      const failure = await revoke()
      if (failure !== null) return failure
    }
    return null
  }

  const areAllRevoked = async (): Promise<boolean> => {
    const answers = await Promise.all(acknowledged.map((token) => isRevoked(opened(), token)))
    return answers.length > 0 && answers.every(Boolean)
  }

  test('refuses what it cannot write, does nothing by half, and goes on checking; with room again it writes', async () => {
    expect(await revoke()).toBeNull()
    const session = await created(opened())
    const ballast = fill(disk)
    const refusal = await revokeUntilRefused()
    expect(refusal).toBeInstanceOf(StoreError)
    expect(String(refusal)).toMatch(/No space left on device/)
    expect(await areAllRevoked()).toBe(true)
    const reference = { id: session.id, subject: 'ann', reason: 'signout' } as const
    await expect((async () => store.sessions.end(reference, CREATION))()).rejects.toThrow(StoreError)
    expect(await store.sessions.find(session.id)).not.toBeNull()
    expect(await isDenied(opened(), session)).toBe(false)

    rmSync(ballast)
    expect(await store.sessions.end(reference, CREATION)).toBe('ended')
    expect(await isDenied(opened(), session)).toBe(true)
    expect(await revoke()).toBeNull()
    expect(await areAllRevoked()).toBe(true)
  }, 120_000)

  test('loses nothing that was acknowledged where its write-ahead log finds no room and it dies', async () => {
    const ballast = fill(disk)
    const died = until('its death', async () => {
      await revoke()
      return server.query('SELECT pg_switch_wal()').then(
        () => false,
        () => true,
      )
    })
    await died
    expect(await revoke()).toBeInstanceOf(StoreError)
    rmSync(ballast)
    await server.kill()
    await server.restart()
    expect(await areAllRevoked()).toBe(true)
    expect(await revoke()).toBeNull()
  }, 120_000)
})
