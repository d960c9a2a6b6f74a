import { beginSession } from '../../../src/core/session/lifecycle.ts'
import type { decideRotation } from '../../../src/core/session/rotation.ts'
import type { SessionState } from '../../../src/core/session/session.ts'
import { newSession } from '../../../src/testing/session-store/fixtures.ts'

/**
 * A world without an attacker, in which every refusal is a false logout: tabs with one storage or one each, answers
 * that are lost or overtake one another, a store that loses its last rotations. Time goes in ticks; the grace is one of
 * them. Every state that can be reached is visited.
 *
 * What is late is told from the clients' side: a token superseded for longer than the grace. That may happen as often
 * as the budget allows, and not to a token superseded twice for so long.
 */

export interface WorldConfig {
  readonly tabs: number
  readonly storage: 'shared' | 'separate'
  readonly losses: number
  readonly rollbacks: number
  readonly generations: number
  readonly policy: { readonly graceMs: number; readonly lateReplays: number }
  /** Late incidents that the world allows itself. */
  readonly budget: number
  readonly decide: typeof decideRotation
}

const GRACE = 1
/** An age from which on nothing changes any more. */
const OLD = GRACE + 1
const TICK_MS = 30_000

interface Row {
  readonly generation: number
  /** Since the grace opened. */
  readonly age: number
  readonly late: number
}

/** A refresh that is under way: a token sent, or an answer on its way back. */
interface Flight {
  readonly stage: 'sent' | 'answered'
  readonly token: number
  readonly age: number
}

interface Tab {
  readonly token: number
  readonly flight: Flight | null
}

export interface World {
  readonly row: Row
  /** Rows before the last rotations, the newest first: what a rollback may bring back. */
  readonly before: readonly Row[]
  /** Age of each generation since it was first made. */
  readonly made: readonly number[]
  readonly tabs: readonly Tab[]
  readonly losses: number
  readonly rollbacks: number
  /** Late incidents so far, and the token and the age of the last. */
  readonly incidents: number
  readonly incident: readonly [token: number, age: number]
}

const older = (age: number): number => Math.min(OLD, age + 1)

const NOW_MS = 1_700_000_000_000
const SESSION = beginSession(newSession(), NOW_MS - 86_400_000)

const stateOf = ({ generation, age, late }: Row): SessionState => ({
  ...SESSION.state,
  generation,
  lateReplays: late,
  graceFromMs: generation === 0 ? null : NOW_MS - age * TICK_MS,
})

const rowOf = (state: SessionState): Row => ({
  generation: state.generation,
  age: state.graceFromMs === null ? OLD : Math.min(OLD, (NOW_MS - state.graceFromMs) / TICK_MS),
  late: state.lateReplays,
})

export const firstWorld = ({ tabs, losses, rollbacks }: WorldConfig): World => ({
  row: { generation: 0, age: OLD, late: 0 },
  before: [],
  made: [OLD],
  tabs: Array.from({ length: tabs }, () => ({ token: 0, flight: null })),
  losses,
  rollbacks,
  incidents: 0,
  incident: [-1, OLD],
})

const withTab = (world: World, index: number, tab: Tab): World => ({ ...world, tabs: world.tabs.with(index, tab) })

/** The incident that a presentation makes or belongs to; null where the world does not cover it. */
const lateness = (world: World, token: number, budget: number): Pick<World, 'incidents' | 'incident'> | null => {
  const { incidents, incident, made } = world
  const superseded = made[token + 1] ?? 0
  const supersededTwice = made[token + 2] ?? 0
  if (supersededTwice > GRACE || token + 3 < made.length) return null
  if (superseded <= GRACE) return { incidents, incident }
  // Tabs that wake together cost one; a token that has two successors already costs one each time.
  const again = token + 2 >= made.length && incident[0] === token && incident[1] <= GRACE
  if (again) return { incidents, incident }
  return incidents < budget ? { incidents: incidents + 1, incident: [token, 0] } : null
}

const REFUSALS: ReadonlySet<string> = new Set(['reused', 'unknown', 'revoked', 'key_mismatch'])

/** What the store answers to a token; `'refused'` is the false logout that is looked for. */
const process = (world: World, index: number, config: WorldConfig): World | 'refused' | null => {
  const tab = world.tabs[index]
  if (tab?.flight?.stage !== 'sent') return null
  const { token } = tab.flight
  const late = lateness(world, token, config.budget)
  if (late === null) return null
  const { outcome, next } = config.decide(
    { session: { ...SESSION, state: stateOf(world.row) }, epochs: { subject: 0, global: 0 }, nowMs: NOW_MS },
    {
      sessionId: SESSION.id,
      subject: SESSION.subject,
      generation: token,
      createdAt: SESSION.createdAt,
      keyId: 'k',
      nextKeyId: 'k',
      keyThumbprint: null,
    },
    config.policy,
  )
  if (REFUSALS.has(outcome)) return 'refused'
  const row = next === null ? world.row : rowOf(next)
  if (row.generation > config.generations) return null
  const made = [...world.made, ...Array.from({ length: row.generation + 1 - world.made.length }, () => 0)]
  const before = outcome === 'rotated' ? [world.row, ...world.before].slice(0, 2) : world.before
  const flight: Flight = { stage: 'answered', token: row.generation, age: 0 }
  return withTab({ ...world, ...late, row, before, made }, index, { ...tab, flight })
}

/** An answer arrives and is kept: in the tab, or in the storage of all, where the last one wins. */
const deliver = (world: World, index: number, { storage }: WorldConfig): World | null => {
  const flight = world.tabs[index]?.flight
  if (flight?.stage !== 'answered') return null
  const { token } = flight
  const tabs = world.tabs.map((tab, at) => {
    if (at === index) return { token, flight: null }
    return storage === 'shared' ? { ...tab, token } : tab
  })
  return { ...world, tabs }
}

const send = (world: World, index: number): World | null => {
  const tab = world.tabs[index]
  if (tab === undefined || tab.flight !== null) return null
  return withTab(world, index, { ...tab, flight: { stage: 'sent', token: tab.token, age: 0 } })
}

const lose = (world: World, index: number): World | null => {
  const tab = world.tabs[index]
  if (tab?.flight?.stage !== 'answered' || world.losses === 0) return null
  return withTab({ ...world, losses: world.losses - 1 }, index, { ...tab, flight: null })
}

/** Answers land within the grace, so time does not pass over one that is due. */
const tick = (world: World): World | null => {
  if (world.tabs.some(({ flight }) => flight?.stage === 'answered' && flight.age >= GRACE)) return null
  const age = (row: Row): Row => ({ ...row, age: older(row.age) })
  const tabs = world.tabs.map((tab) => {
    if (tab.flight?.stage !== 'answered') return tab
    return { ...tab, flight: { ...tab.flight, age: tab.flight.age + 1 } }
  })
  const incident = [world.incident[0], older(world.incident[1])] as const
  return { ...world, row: age(world.row), before: world.before.map(age), made: world.made.map(older), tabs, incident }
}

const rollBack = (world: World): readonly World[] => {
  if (world.rollbacks === 0) return []
  return world.before.map((row, lost) => ({
    ...world,
    row,
    before: world.before.slice(lost + 1),
    rollbacks: world.rollbacks - 1,
  }))
}

/** Every world that may come next. */
export const nextWorlds = (world: World, config: WorldConfig): readonly (World | 'refused' | null)[] => [
  tick(world),
  ...rollBack(world),
  ...world.tabs.flatMap((_, index) => [
    send(world, index),
    process(world, index, config),
    deliver(world, index, config),
    lose(world, index),
  ]),
]

const keyOfTab = ({ token, flight }: Tab): string =>
  flight === null ? `${token}` : `${token}${flight.stage[0]}${flight.token}${flight.age}`

/** Worlds that differ in the names of their tabs alone are one. */
export const keyOf = ({ row, before, made, tabs, losses, rollbacks, incidents, incident }: World): string => {
  const rows = [row, ...before].map(({ generation, age, late }) => `${generation}${age}${late}`)
  const named = tabs.map(keyOfTab).toSorted()
  return [rows, made.join(''), named, losses, rollbacks, incidents, incident].join('|')
}
