import { setTimeout as after } from 'node:timers/promises'
import { createCaller } from '../harness/caller.ts'
import type { Caller, Credentials } from '../harness/caller.ts'
import type { OperationKind } from '../harness/history.ts'
import type { Worker } from '../harness/processes.ts'
import type { Bed } from '../harness/under-load.ts'

/** A session of a subject of its own, and who holds its tokens. */
export interface Held {
  readonly caller: Caller
  readonly credentials: Credentials
}

const PATIENCE_MS = 60_000
const RETRY_MS = 50

/**
 * Asks one of some processes after the other until it is done.
 *
 * @throws Error where it was refused, or nobody has done it in a minute
 */
export const insist = async (
  kind: OperationKind,
  workers: readonly Worker[],
  { caller, credentials }: { readonly caller: Caller; readonly credentials: Credentials | null },
): Promise<Credentials | null> => {
  const end = performance.now() + PATIENCE_MS
  for (let turn = 0; performance.now() < end; turn++) {
    const worker = workers[turn % workers.length]
    if (worker === undefined) break
    // Each attempt rests on the answer to the one before.
    const called = await caller.call(kind, worker, credentials)
    if (called.outcome === 'ok') return called.credentials
    if (called.outcome === 'refused') throw new Error(`${worker.name} refused ${kind}: ${called.code}`)
    await after(RETRY_MS)
  }
  throw new Error(`nobody would do ${kind}`)
}

let held = 0

/** Signs in so many subjects that nobody else knows. */
export const signIn = (bed: Bed, workers: readonly Worker[], count: number): Promise<readonly Held[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      held += 1
      const caller = createCaller(`holder ${held}`, `held ${held}`, bed.recorder)
      const credentials = await insist('signin', workers, { caller, credentials: null })
      if (credentials === null) throw new Error('a sign-in gives tokens')
      return { caller, credentials }
    }),
  )

/** How long after a moment each process has written again: the slowest of them. */
export const recoveryOfEach = async (bed: Bed, sinceMs: number): Promise<number> => {
  await Promise.all(bed.workers.map((worker) => signIn(bed, [worker], 1)))
  return performance.now() - sinceMs
}

const WAYS = ['signout', 'revokeToken', 'revokeSession', 'revokeSubject'] as const

/** Revokes each in one of all ways, until that is acknowledged; the processes in turn. */
export const revoke = async (workers: readonly Worker[], all: readonly Held[]): Promise<void> => {
  await Promise.all(
    all.map(async (one, index) => {
      const first = Math.floor(index / WAYS.length) % workers.length
      const inTurn = [...workers.slice(first), ...workers.slice(0, first)]
      await insist(WAYS[index % WAYS.length] ?? 'signout', inTurn, one)
    }),
  )
}

/** Presents all they hold to each of some processes, again and again. */
export const present = async (workers: readonly Worker[], all: readonly Held[], untilMs: number): Promise<void> => {
  while (performance.now() < untilMs) {
    await Promise.all(
      workers.flatMap((worker) =>
        all.map(async ({ caller, credentials }) => {
          await caller.call('check', worker, credentials)
          await caller.call('refresh', worker, credentials, { isHonest: false })
        }),
      ),
    )
    await after(80)
  }
}
