import { setTimeout as after } from 'node:timers/promises'
import { WORKER_API } from './apis.ts'
import type { Api } from './apis.ts'
import { createCaller } from './caller.ts'
import type { Called, Caller, Credentials } from './caller.ts'
import type { OperationKind, Recorder } from './history.ts'
import type { Worker } from './processes.ts'

/**
 * Honest clients: each signs in, refreshes, uses its access token, and now and then signs out or has its token, session or
 * everything of its subject revoked. What fails it asks again, of whichever process is next, until it is answered.
 * What has been revoked is presented again and again by somebody who kept it.
 */

export interface ClientOptions {
  readonly count: number
  /** Between two requests of a client. */
  readonly pauseMs: number
  /** Of all requests of a client: how many exchange the refresh token. */
  readonly refreshing: number
  /** And how many revoke. */
  readonly revoking: number
  /** For how long what was revoked is presented. */
  readonly hauntMs: number
  /** Of the application under test. */
  readonly api: Api
  /** Runs once for each subject, before its client begins. */
  readonly prepare: (subject: string) => Promise<void>
}

export const USUAL_CLIENTS: ClientOptions = {
  count: 16,
  pauseMs: 15,
  refreshing: 0.2,
  revoking: 0.03,
  hauntMs: 2500,
  api: WORKER_API,
  prepare: async () => undefined,
}

export interface Clients {
  /** No new work from now on; resolves when all that was begun has been answered, or given up. */
  stop(): Promise<void>
}

/** How often one thing is asked; with its pauses that is longer than any fault of a round. */
const PATIENCE_MS = 180_000
const RETRY_MS = 60

interface World {
  readonly next: () => Worker | null
  readonly isOver: () => boolean
  readonly recorder: Recorder
  readonly options: ClientOptions
  readonly haunts: Set<Promise<void>>
}

/** Asks until there is an answer: done, or refused. Null where the round ended first. */
const insist = async (
  world: World,
  caller: Caller,
  kind: OperationKind,
  held: Credentials | null,
): Promise<Called | null> => {
  const end = performance.now() + PATIENCE_MS
  while (performance.now() < end) {
    const worker = world.next()
    if (worker !== null) {
      // Each attempt depends on what became of the one before.
      const called = await caller.call(kind, worker, held)
      if (called.outcome === 'ok' || called.outcome === 'refused') return called
    }
    if (world.isOver()) return null
    await after(RETRY_MS * (0.5 + Math.random()))
  }
  return null
}

/** Presents for a while what has been revoked, to every process in turn. */
const haunt = async (world: World, caller: Caller, held: Credentials, kinds: readonly OperationKind[]) => {
  const end = performance.now() + world.options.hauntMs
  while (performance.now() < end) {
    for (const kind of kinds) {
      const worker = world.next()
      if (worker !== null) await caller.call(kind, worker, held, { isHonest: false })
    }
    await after(300 * (0.5 + Math.random()))
  }
}

const REVOCATIONS = ['signout', 'revokeToken', 'revokeSession', 'revokeSubject'] as const

const oneOf = <T>(choices: readonly T[]): T => {
  const choice = choices[Math.floor(Math.random() * choices.length)]
  if (choice === undefined) throw new Error('there is nothing to choose from')
  return choice
}

/** Revokes something of the client's own; tells whether its session is over. */
const revoke = async (world: World, caller: Caller, held: Credentials): Promise<boolean> => {
  const { api } = world.options
  const kind = oneOf(REVOCATIONS.filter((each) => api[each] !== undefined))
  const called = await insist(world, caller, kind, held)
  if (called?.outcome === 'ok') {
    const presented: readonly OperationKind[] = kind === 'revokeToken' ? ['check'] : ['check', 'check', 'refresh']
    const haunting = haunt(
      world,
      createCaller(`${caller.subject}, past`, caller.subject, world.recorder, world.options.api),
      held,
      presented,
    )
    world.haunts.add(haunting)
    void haunting.finally(() => world.haunts.delete(haunting))
  }
  return kind !== 'revokeToken'
}

/** One step of a client: what it holds afterwards. */
const step = async (world: World, caller: Caller, held: Credentials | null): Promise<Credentials | null> => {
  if (held === null) return (await insist(world, caller, 'signin', null))?.credentials ?? null
  const chance = Math.random()
  const { refreshing, revoking } = world.options
  if (chance < revoking) return (await revoke(world, caller, held)) ? null : renew(world, caller, held)
  if (chance < revoking + refreshing) return renew(world, caller, held)
  const worker = world.next()
  if (worker === null) return held
  const called = await caller.call(
    chance > 0.95 && world.options.api.open !== undefined ? 'open' : 'check',
    worker,
    held,
  )
  // As a client does whose access token is not taken any more.
  return called.outcome === 'refused' ? renew(world, caller, held) : held
}

const renew = async (world: World, caller: Caller, held: Credentials): Promise<Credentials | null> => {
  const called = await insist(world, caller, 'refresh', held)
  if (called === null) return held
  // Refused: it has to sign in again, and the checker asks why.
  return called.credentials
}

const live = async (world: World, caller: Caller): Promise<void> => {
  let held: Credentials | null = null
  await world.options.prepare(caller.subject)
  // They do not all begin at once.
  await after(Math.random() * world.options.pauseMs * 4)
  while (!world.isOver()) {
    held = await step(world, caller, held)
    await after(world.options.pauseMs * (0.5 + Math.random()))
  }
}

let clientsMade = 0

/** Starts clients that take the processes in turn, as behind one address. */
export const startClients = (recorder: Recorder, workers: () => readonly Worker[], options: ClientOptions): Clients => {
  let isOver = false
  let turn = 0
  const next = (): Worker | null => {
    const up = workers().filter((worker) => worker.isUp)
    turn += 1
    return up[turn % Math.max(1, up.length)] ?? null
  }
  const world: World = { next, isOver: () => isOver, recorder, options, haunts: new Set() }
  const lives = Array.from({ length: options.count }, () => {
    clientsMade += 1
    return live(world, createCaller(`c${clientsMade}`, `user ${clientsMade}`, recorder, options.api))
  })
  const ended = Promise.all(lives)
  // Whoever stops them is told.
  ended.catch(() => undefined)
  return {
    stop: async () => {
      isOver = true
      await ended
      await Promise.all(world.haunts)
    },
  }
}
