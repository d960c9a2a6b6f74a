import { createHash } from 'node:crypto'
import type { RevocableToken, RevocationEntry } from '../../core/session/revocation-set.ts'
import type { RevocationLog, RevocationPage } from '../../ports/revocation-log.ts'
import type { Bucket } from './buckets.ts'
import { readCursor, writeCursor } from './log-cursor.ts'
import { readBucketPage } from './log-page.ts'
import type { BucketPage } from './log-page.ts'
import type { StoreParts } from './parts.ts'
import { toInteger, toList, toText, writeOptional } from './replies.ts'
import { storeError } from './runner.ts'

/** Entries of one bucket that are read at most in one go, so that the server is not held up. */
const ENTRIES_AT_ONCE = 250

const READING = 'reading the log'
const RAISING = 'raising an epoch'
const TAKING_BACK = 'taking an epoch back'

const ignored = (): undefined => undefined

/**
 * Everybody's epoch, of which each bucket has a copy: a script sees its own bucket only. The first bucket gives new ones
 * out, so no two bumps get the same. What a bucket gives out as stamps is never above the highest copy, and whoever
 * reads the log brings a copy that has stayed behind, where a bump was cut short or a node has lost a write, up to it.
 */
const createGlobalEpoch = ({ runner, buckets }: StoreParts) => {
  const raise = async (behind: readonly Bucket[], epoch: number, operation: string): Promise<void> => {
    const args = ['', '0', String(epoch)]
    const calls = behind.map((bucket) => ({ operation, bucket, script: 'raiseLost', args }) as const)
    await Promise.all(calls.map((call) => runner.runDurably(call, ignored)))
  }

  const highest = async (): Promise<number> => {
    const calls = buckets.all.map((bucket) => ({ operation: RAISING, bucket, script: 'epochs', args: [''] }) as const)
    const copies = await Promise.all(calls.map((call) => runner.run(call, (reply) => toInteger(toList(reply)[1]))))
    return Math.max(...copies)
  }

  return {
    raise,
    bump: async (): Promise<number> => {
      const args = [String(await highest())]
      const call = { operation: RAISING, bucket: buckets.first, script: 'bumpAll', args } as const
      const epoch = await runner.runDurably(call, toInteger)
      await raise(buckets.all.slice(1), epoch, RAISING)
      return epoch
    },
  }
}

type GlobalEpoch = ReturnType<typeof createGlobalEpoch>

const createIsRevoked = ({ runner, buckets }: StoreParts, globalEpoch: GlobalEpoch) => {
  /** Its own bucket comes last: as long as that is behind, the token is seen to be ahead, and all of this is done again. */
  const takeBack = async (token: RevocableToken, isOwnLost: boolean, isGlobalLost: boolean): Promise<void> => {
    const bucket = buckets.ofSubject(token.subject)
    const { stamp } = token
    if (isGlobalLost) {
      const others = buckets.all.filter((other) => other !== bucket)
      await globalEpoch.raise(others, stamp.global, TAKING_BACK)
    }
    const args = [
      isOwnLost ? writeOptional(token.subject) : '',
      String(stamp.subject),
      String(isGlobalLost ? stamp.global : 0),
    ]
    await runner.runDurably({ operation: TAKING_BACK, bucket, script: 'raiseLost', args }, ignored)
  }

  return async (token: RevocableToken): Promise<boolean> => {
    const { tokenId, sessionId, subject, stamp } = token
    const args = [tokenId, writeOptional(sessionId), subject, String(stamp.subject), String(stamp.global)]
    const bucket = buckets.ofSubject(subject)
    const call = { operation: 'checking a token', bucket, script: 'standing', args } as const
    const [revoked, ownLost, globalLost] = await runner.run(call, (reply) => toList(reply).map(toText))
    if (revoked !== '0') return true
    if (ownLost === '1' || globalLost === '1') await takeBack(token, ownLost === '1', globalLost === '1')
    return false
  }
}

const sourceOf = (pages: readonly BucketPage[]): string =>
  createHash('sha256')
    .update(pages.map(({ incarnation }) => incarnation).join(' '))
    .digest('base64url')

/** Everybody's epoch is told once, whichever buckets have it: where it is another than the reader knows. */
const entriesOf = (pages: readonly BucketPage[], known: number, epoch: number): readonly RevocationEntry[] => {
  const all = epoch > 0 && epoch !== known ? [{ kind: 'all' as const, epoch }] : []
  return [...all, ...pages.flatMap(({ entries }) => entries)]
}

const createRead = ({ runner, buckets }: StoreParts, globalEpoch: GlobalEpoch): RevocationLog['read'] => {
  /**
   * After the entries were read: had a replica taken over by then, the node that has answered would get no
   * acknowledgement from it. Once for each node, as far as nodes can be told apart.
   */
  const confirm = async (pages: readonly BucketPage[]): Promise<void> => {
    const nodes = new Map<string, Bucket>()
    for (const [index, { incarnation }] of pages.entries()) {
      const bucket = buckets.all[index]
      if (bucket !== undefined) nodes.set(incarnation === '' ? bucket.base : incarnation, bucket)
    }
    const beats = Array.from(nodes.entries(), async ([node, bucket]) => {
      const call = { operation: READING, bucket, script: 'heartbeat', args: [] } as const
      const incarnation = await runner.runDurably(call, toText)
      if (incarnation !== '' && incarnation !== node) {
        throw storeError(READING, new Error('a replica took over while it was read'))
      }
    })
    await Promise.all(beats)
  }

  return async (cursor): Promise<RevocationPage> => {
    const from = readCursor(cursor, buckets.all.length)
    const calls = buckets.all.map((bucket, index) => {
      const { after = '', scan = '' } = from.buckets[index] ?? {}
      const args = [String(ENTRIES_AT_ONCE), after, scan]
      return { operation: READING, bucket, script: 'read', args } as const
    })
    const pages = await Promise.all(calls.map((call) => runner.run(call, readBucketPage)))
    if (runner.isReplicated) await confirm(pages)
    const epoch = Math.max(...pages.map((page) => page.globalEpoch))
    const behind = buckets.all.filter((_, index) => (pages[index]?.globalEpoch ?? 0) < epoch)
    await globalEpoch.raise(behind, epoch, TAKING_BACK)
    return {
      entries: entriesOf(pages, from.globalEpoch, epoch),
      cursor: writeCursor({ globalEpoch: epoch, buckets: pages.map(({ position }) => position) }),
      atEnd: pages.every(({ isAtEnd }) => isAtEnd),
      source: sourceOf(pages),
    }
  }
}

/** The log as a stream in each bucket. */
export const redisRevocationLog = (parts: StoreParts): RevocationLog => {
  const { runner, buckets } = parts
  const globalEpoch = createGlobalEpoch(parts)
  const isRevoked = createIsRevoked(parts, globalEpoch)
  return {
    epochs: (subject) => {
      const bucket = buckets.ofSubject(subject)
      const call = { operation: 'reading epochs', bucket, script: 'epochs', args: [subject] } as const
      return runner.run(call, (reply) => {
        const [own, all] = toList(reply)
        return { subject: toInteger(own), global: toInteger(all) }
      })
    },
    isRevoked,
    isRevokedAtSource: isRevoked,
    setToken: async ({ tokenId, subject, revoked, retention }) => {
      const bucket = buckets.ofSubject(subject)
      const args = [tokenId, revoked ? '1' : '0', String(retention * 1000)]
      await runner.runDurably({ operation: 'revoking a token', bucket, script: 'setToken', args }, ignored)
    },
    bump: async (subject) => {
      if (subject === null) return globalEpoch.bump()
      const bucket = buckets.ofSubject(subject)
      return runner.runDurably({ operation: RAISING, bucket, script: 'bump', args: [subject] }, toInteger)
    },
    read: createRead(parts, globalEpoch),
  }
}
