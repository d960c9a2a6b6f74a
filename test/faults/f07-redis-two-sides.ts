import { setTimeout as after } from 'node:timers/promises'
import { hasReplica, waitUntil } from '../stores/redis-server.ts'
import type { Credentials } from './harness/caller.ts'
import type { Fault } from './harness/fault.ts'
import { count } from './harness/figures.ts'
import type { Recorder } from './harness/history.ts'
import { LEASE_MS } from './harness/processes.ts'
import { underLoad, untilOver } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'
import { kill, startChain } from './redis/chain.ts'
import type { Chain } from './redis/chain.ts'
import { signIn } from './redis/held.ts'
import type { Held } from './redis/held.ts'
import { divide, fromNow, openLines } from './redis/sides.ts'
import type { Lines, Sides } from './redis/sides.ts'

const EVERY_MS = 8000
const SESSIONS = 12

/** Longer than the lease for which the new side waits, and several times the grace. */
const APART_MS = 4 * LEASE_MS

/** Rotates once a second. */
const REFRESH = { grace: '1s', lateReplays: 10, idleLifetime: '1d', absoluteLifetime: '2d' } as const

/** Presents a refresh token to a process of each side at once, and then the furthest of what came. */
const presentToBoth = async ({ caller, credentials }: Held, sides: Sides, untilMs: number): Promise<void> => {
  let held: Credentials = credentials
  for (let turn = 0; performance.now() < untilMs; turn++) {
    const both = [sides.old, sides.young].flatMap((side) => side.slice(turn % side.length).slice(0, 1))
    // The next is what has come of these.
    const called = await Promise.all(both.map((worker) => caller.call('refresh', worker, held)))
    for (const { credentials: given } of called) {
      if (given !== null && given.generation >= held.generation) held = given
    }
    await after(100 * (0.5 + Math.random()))
  }
}

const split = async (bed: Bed, chain: Chain, lines: Lines, sides: Sides): Promise<void> => {
  const held = await signIn(bed, sides.old, SESSIONS)
  await waitUntil('their replication', () => hasReplica(chain.primary))
  const former = await chain.promote()
  lines.young.lead(chain.primary)
  bed.incident('half of the processes are led to another primary; the former one serves the rest')
  const untilMs = performance.now() + APART_MS
  await Promise.all(held.map((one) => presentToBoth(one, sides, untilMs)))
  await kill(former)
  lines.old.lead(chain.primary)
  bed.incident('all processes are led to one primary')
  await former.restart()
  await chain.rejoin(former)
}

/** Generations of sessions that both sides have given out: only of these could there be two. */
const countShared = ({ operations }: Recorder, { old }: Sides): number => {
  const givenBy = (isOld: boolean): ReadonlySet<string> =>
    new Set(
      operations
        .filter(({ process }) => old.some(({ name }) => name === process) === isOld)
        .flatMap(({ child, sessionId }) => (child === null ? [] : [`${sessionId}.${child.generation}`])),
    )
  const byYoung = givenBy(false)
  return [...givenBy(true)].filter((one) => byYoung.has(one)).length
}

/** Two primaries at once, each with processes of its own, where nobody waits for a replica: neither side ever stops. */
export const redisTwoSides: Fault = {
  name: 'F7',
  title: 'processes on two sides of a Redis failover, clients on both (durability local)',
  permitted:
    'no session with two children of one generation; what one side does is unknown to the other until they join',
  run: async (round) => {
    const chain = await startChain(round, 2)
    const lines = await openLines(round, chain)
    const settings = { store: lines.old.store, refreshToken: REFRESH }
    const findings = await underLoad('F7', round, { settings }, async (bed) => {
      const sides = await divide(bed, lines, { refreshToken: REFRESH })
      await untilOver(fromNow(bed, round), EVERY_MS, () => split(bed, chain, lines, sides))
      const shared = countShared(bed.recorder, sides)
      if (shared < SESSIONS) throw new Error(`only ${shared} generations were given out by both sides`)
      return [count('generations given out by both sides', shared)]
    })
    const forks = findings.breaches.filter(({ kind }) => kind === 'forked')
    const others = findings.breaches.length - forks.length
    return {
      ...findings,
      breaches: forks,
      measures: [...findings.measures, count('answers that the other side contradicts', others)],
    }
  },
}
