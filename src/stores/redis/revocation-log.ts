import { createHash } from 'node:crypto'
import type { RevocableToken, RevocationEntry } from '../../core/session/revocation-set.ts'
import type { RevocationLog, RevocationPage } from '../../ports/revocation-log.ts'
import { inBatches } from './batches.ts'
import type { Bucket } from './buckets.ts'
import { readCursor, writeCursor } from './log-cursor.ts'
import { readBucketPage } from './log-page.ts'
import type { BucketPage } from './log-page.ts'
import type { StoreParts } from './parts.ts'
import { toInteger, toList, toText, writeOptional } from './replies.ts'
import { storeError } from './runner.ts'
import type { Runner } from './runner.ts'

/** Entries of one bucket that are read at most in one go, so that the server is not held up. */
const ENTRIES_AT_ONCE = 250

/** Tokens that are asked about at most in one go. */
const TOKENS_AT_ONCE = 500

const READING = 'reading the log'
const RAISING = 'raising an epoch'
const TAKING_BACK = 'taking an epoch back'

const ignored = (): undefined => undefined

/** A bucket, and the incarnation of the node that has answered for it: '' where that does not tell. */
interface Placed {
  readonly bucket: Bucket
  readonly incarnation: string
}

/**
 * Resolves once the nodes of these buckets have proved that they are primaries still, and their replicas have all that was
 * written there before. Once for each node, as far as nodes can be told apart.
 */
const confirmNodes = async (runner: Runner, placed: readonly Placed[], operation: string): Promise<void> => {
  const nodes = new Map(
    placed.map(({ bucket, incarnation }) => [incarnation === '' ? bucket.base : incarnation, bucket]),
  )
  const beats = Array.from(nodes, async ([node, bucket]) => {
    const incarnation = await runner.runDurably({ operation, bucket, script: 'heartbeat', args: [] }, toText)
    if (incarnation !== '' && incarnation !== node) {
      throw storeError(operation, new Error('a replica took over meanwhile'))
    }
  })
  await Promise.all(beats)
}

/**
 * Everybody's epoch, of which each bucket has a copy: a script sees its own bucket only. The first bucket gives new ones
 * out, so no two bumps get the same. What a bucket gives out as stamps is never above the highest copy, and whoever
 * reads the log brings a copy that has stayed behind, where a bump was cut short or a node has lost a write, up to it.
 */
const createGlobalEpoch = ({ runner, buckets }: StoreParts) => {
  const write = (behind: readonly Bucket[], epoch: number, operation: string): Promise<readonly Placed[]> => {
    const args = ['', '0', String(epoch)]
    return Promise.all(
      behind.map((bucket) =>
        runner.run({ operation, bucket, script: 'raiseLost', args }, (reply) => ({
          bucket,
          incarnation: toText(reply),
        })),
      ),
    )
  }

  const confirm = async (placed: readonly Placed[], operation: string): Promise<void> => {
    if (runner.isReplicated) await confirmNodes(runner, placed, operation)
  }

  const highest = async (): Promise<number> => {
    const calls = buckets.all.map((bucket) => ({ operation: RAISING, bucket, script: 'epochs', args: [''] }) as const)
    const copies = await Promise.all(calls.map((call) => runner.run(call, (reply) => toInteger(toList(reply)[1]))))
    return Math.max(...copies)
  }

  return {
    raise: async (behind: readonly Bucket[], epoch: number, operation: string): Promise<void> =>
      confirm(await write(behind, epoch, operation), operation),
    bump: async (): Promise<number> => {
      const [bucket, args] = [buckets.first, [String(await highest())]]
      const call = { operation: RAISING, bucket, script: 'bumpAll', args } as const
      const [epoch, incarnation] = await runner.run(call, (reply) => {
        const [given, node] = toList(reply)
        return [toInteger(given), toText(node)] as const
      })
      // A wait holds up its connection, so all is written before any is waited for.
      const others = await write(buckets.all.slice(1), epoch, RAISING)
      await confirm([{ bucket, incarnation }, ...others], RAISING)
      return epoch
    },
  }
}

type GlobalEpoch = ReturnType<typeof createGlobalEpoch>

/** What the script `standing` says of a token. */
interface Standing {
  readonly isRevoked: boolean
  readonly isOwnLost: boolean
  readonly isGlobalLost: boolean
}

type AskStanding = (token: RevocableToken) => Promise<Standing>

const readStanding = (reply: unknown): Standing => {
  const [revoked, own, all] = toList(reply).map(toText)
  return { isRevoked: revoked !== '0', isOwnLost: own === '1', isGlobalLost: all === '1' }
}

const standingCall = (bucket: Bucket, { tokenId, sessionId, subject, stamp }: RevocableToken, isConfirmed: boolean) => {
  const standing = [tokenId, writeOptional(sessionId), subject, String(stamp.subject), String(stamp.global)]
  const args = [...standing, isConfirmed ? '1' : '0']
  return { operation: 'checking a token', bucket, script: 'standing', args } as const
}

const createAsk =
  ({ runner, buckets }: StoreParts): AskStanding =>
  (token) =>
    runner.run(standingCall(buckets.ofSubject(token.subject), token, false), readStanding)

/**
 * The same, and that a token lives is told only where the replicas are this primary's own still. As each wait holds up its
 * connection, those that ask of one bucket meanwhile, or of one server where it is known to have all, share the next.
 */
const createConfirmedAsk = ({ runner, buckets }: StoreParts): AskStanding => {
  const ask = inBatches(async (_place: Bucket, tokens: readonly RevocableToken[]) => {
    const [first, ...others] = tokens.map((token) => standingCall(buckets.ofSubject(token.subject), token, true))
    if (first === undefined) return []
    const { answers, doubt } = await runner.runConfirmed([first, ...others], readStanding)
    return answers.map((standing) => ({ standing, doubt }))
  }, TOKENS_AT_ONCE)
  return async (token) => {
    const place = runner.isOneServer ? buckets.first : buckets.ofSubject(token.subject)
    const { standing, doubt } = await ask(place, token)
    // What is revoked stays so, whoever is the primary by now.
    if (doubt !== null && !standing.isRevoked) throw doubt
    return standing
  }
}

const createIsRevoked = ({ runner, buckets }: StoreParts, globalEpoch: GlobalEpoch, ask: AskStanding) => {
  /** Its own bucket comes last: as long as that is behind, the token is seen to be ahead, and all of this is done again. */
  const takeBack = async ({ subject, stamp }: RevocableToken, { isOwnLost, isGlobalLost }: Standing): Promise<void> => {
    const bucket = buckets.ofSubject(subject)
    if (isGlobalLost) {
      const others = buckets.all.filter((other) => other !== bucket)
      await globalEpoch.raise(others, stamp.global, TAKING_BACK)
    }
    const args = [
      isOwnLost ? writeOptional(subject) : '',
      String(stamp.subject),
      String(isGlobalLost ? stamp.global : 0),
    ]
    await runner.runDurably({ operation: TAKING_BACK, bucket, script: 'raiseLost', args }, ignored)
  }

  return async (token: RevocableToken): Promise<boolean> => {
    const standing = await ask(token)
    if (standing.isRevoked) return true
    if (standing.isOwnLost || standing.isGlobalLost) await takeBack(token, standing)
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

const placeOf = ({ bucket, page }: { readonly bucket: Bucket; readonly page: BucketPage }): Placed => ({
  bucket,
  incarnation: page.incarnation,
})

const createRead =
  ({ runner, buckets }: StoreParts, globalEpoch: GlobalEpoch): RevocationLog['read'] =>
  async (cursor): Promise<RevocationPage> => {
    const from = readCursor(cursor, buckets.all.length)
    const calls = buckets.all.map((bucket, index) => {
      const { after = '', scan = '' } = from.buckets[index] ?? {}
      const args = [String(ENTRIES_AT_ONCE), after, scan]
      return { operation: READING, bucket, script: 'read', args } as const
    })
    const placed = await Promise.all(
      calls.map(async (call) => ({ bucket: call.bucket, page: await runner.run(call, readBucketPage) })),
    )
    const pages = placed.map(({ page }) => page)
    // After the entries were read: had a replica taken over by then, it would acknowledge nothing to who has answered.
    if (runner.isReplicated) await confirmNodes(runner, placed.map(placeOf), READING)
    const epoch = Math.max(...pages.map((page) => page.globalEpoch))
    const behind = buckets.all.filter((_, index) => (pages[index]?.globalEpoch ?? 0) < epoch)
    await globalEpoch.raise(behind, epoch, TAKING_BACK)
    return {
      entries: entriesOf(pages, from.globalEpoch, epoch),
      cursor: writeCursor({ globalEpoch: epoch, buckets: pages.map(({ position }) => position) }),
      atEnd: pages.every(({ isAtEnd }) => isAtEnd),
      source: sourceOf(pages),
      // Of the first where there are several servers, whose clocks should be one another's.
      ...(pages[0] === undefined ? {} : { nowMs: pages[0].nowMs }),
    }
  }

/** The log as a stream in each bucket. */
export const redisRevocationLog = (parts: StoreParts): RevocationLog => {
  const { runner, buckets } = parts
  const globalEpoch = createGlobalEpoch(parts)
  const isRevoked = createIsRevoked(parts, globalEpoch, createAsk(parts))
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
    isRevokedAtSource: runner.isReplicated ? createIsRevoked(parts, globalEpoch, createConfirmedAsk(parts)) : isRevoked,
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
