import { setTimeout as after } from 'node:timers/promises'
import type { Fault, Measure } from './harness/fault.ts'
import { count } from './harness/figures.ts'
import type { Operation } from './harness/history.ts'
import { LEASE_MS } from './harness/processes.ts'
import { underLoad, untilOver } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'
import { startChain } from './redis/chain.ts'
import type { Chain } from './redis/chain.ts'
import { doneWithin, none } from './redis/demands.ts'
import { present, revoke, signIn } from './redis/held.ts'
import { PATIENT, REPLICATED } from './redis/line.ts'
import { divide, fromNow, openLines } from './redis/sides.ts'
import type { Lines, Sides } from './redis/sides.ts'

const EVERY_MS = 6000
const SESSIONS = 8

/** For how long the old side is asked, and is on its own. */
const ALONE_MS = 3 * LEASE_MS

interface Isolation {
  readonly fromMs: number
  readonly toMs: number
}

const isolate = async (bed: Bed, chain: Chain, lines: Lines, sides: Sides): Promise<Isolation> => {
  const [living, revoked] = [await signIn(bed, sides.old, SESSIONS), await signIn(bed, sides.old, SESSIONS)]
  const former = await chain.promote()
  lines.young.lead(chain.primary)
  bed.incident('the primary is cut off from its replica, which has taken over')
  const fromMs = performance.now()
  await Promise.all([revoke(sides.young, revoked), present(sides.old, [...living, ...revoked], fromMs + ALONE_MS)])
  const toMs = performance.now()
  lines.old.lead(chain.primary)
  await chain.rejoin(former)
  bed.incident('all processes are led to the new primary, the former one follows')
  return { fromMs, toMs }
}

const measures = ({ recorder }: Bed, { old }: Sides, isolations: readonly Isolation[]): readonly Measure[] => {
  const isOld = ({ process }: Operation): boolean => old.some(({ name }) => name === process)
  const within = isolations.flatMap(({ fromMs, toMs }) => doneWithin(recorder, fromMs, toMs).filter(isOld))
  const beyond = isolations.flatMap(({ fromMs, toMs }) => doneWithin(recorder, fromMs + LEASE_MS, toMs).filter(isOld))
  return [
    none(
      'checks by the old side after a lease',
      beyond.filter(({ kind }) => kind === 'check'),
    ),
    none(
      'refreshes by the old side after a lease',
      beyond.filter(({ kind }) => kind === 'refresh'),
    ),
    count('checks by the old side within a lease', within.filter(({ kind }) => kind === 'check').length),
  ]
}

/** The followers of a primary that is alive and knows nothing of the one in its place. */
export const redisIsolatedPrimary: Fault = {
  name: 'F18',
  title: 'followers of an isolated Redis primary while its replica serves others (durability replicated)',
  permitted: 'they refuse within one lease, and accept nothing revoked on the new side after it',
  run: async (round) => {
    // The one that takes over has a replica of its own, for nothing is acknowledged without.
    const chain = await startChain(round, 3)
    const lines = await openLines(round, chain, REPLICATED)
    const settings = { store: lines.old.store, refreshToken: PATIENT }
    let young: Sides['young'] = []
    // The one address leads to the new side; somebody else finds the way to the old one.
    const behindAddress = (worker: { readonly name: string }): boolean =>
      young.length === 0 || young.some(({ name }) => name === worker.name)
    // An isolated store exchanges what was revoked elsewhere for one lease (I6).
    const bounds = { refreshLeaseMs: LEASE_MS }
    return underLoad('F18', round, { settings, bounds, behindAddress }, async (bed) => {
      const sides = await divide(bed, lines, { refreshToken: PATIENT })
      ;({ young } = sides)
      const isolations: Isolation[] = []
      await untilOver(fromNow(bed, round), EVERY_MS, async () => {
        isolations.push(await isolate(bed, chain, lines, sides))
        await after(500)
      })
      return measures(bed, sides, isolations)
    })
  },
}
