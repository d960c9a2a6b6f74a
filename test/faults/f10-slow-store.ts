import { setTimeout as after } from 'node:timers/promises'
import { ask } from './harness/ask.ts'
import type { Fault, Measure } from './harness/fault.ts'
import { begunWithin, count, span } from './harness/figures.ts'
import type { Span } from './harness/figures.ts'
import type { Worker } from './harness/processes.ts'
import { openProxy } from './harness/proxy.ts'
import type { Line } from './harness/proxy.ts'
import { through } from './harness/servers.ts'
import { underLoad } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'

/** Half of the delay on each way. */
const slow = (ms: number): Line => ({ delayMs: ms / 2 })

const PHASES: readonly { readonly name: string; readonly line: Line; readonly fails: boolean }[] = [
  { name: '100 ms', line: slow(100), fails: false },
  { name: '1 s', line: slow(1000), fails: true },
  { name: 'no answer', line: 'hold', fails: true },
]

const CALM_MS = 800

/** An answer that was not waited for: the breaker stands open. */
const AT_ONCE_MS = 60

/** How long it took until each process refused at once what needs the store. */
const openedAfter = ({ recorder, workers }: Bed, phase: Span): number => {
  const refused = begunWithin(recorder, phase).filter(
    ({ kind, outcome, begunMs, endedMs }) =>
      outcome === 'unavailable' && kind !== 'check' && endedMs - begunMs < AT_ONCE_MS,
  )
  const first = workers.map(({ name }) => {
    const own = refused.filter(({ process }) => process === name)
    return Math.min(phase.toMs, ...own.map(({ endedMs }) => endedMs)) - phase.fromMs
  })
  return Math.max(...first)
}

const delaysOf = async (workers: readonly Worker[], reset: boolean): Promise<number> => {
  const replies = await Promise.all(workers.map(({ port }) => ask({ port, path: '/stats', body: { reset } })))
  return Math.max(...replies.map(({ body }) => Number(body['delayP99Ms'])))
}

/** The store answers late, later than its deadline, and not at all. */
export const slowStore: Fault = {
  name: 'F10',
  title: 'slow store: 100 ms, 1 s, no answer (PostgreSQL)',
  permitted: 'breaker open in < 1 s; event-loop delay p99 < 50 ms; unchecked routes serve',
  run: async (round) => {
    const database = await round.servers.postgres()
    const line = await openProxy(() => database)
    round.defer(() => line.close())
    const settings = {
      store: { kind: 'postgres', url: through(database.url, line), max: 20 },
      refreshToken: { grace: '3s', lateReplays: 10, idleLifetime: '1d', absoluteLifetime: '2d' },
    } as const
    const clients = { count: 32, refreshing: 0.4 }
    return underLoad('F10', round, { settings, clients }, async (bed) => {
      const measures: Measure[] = []
      await delaysOf(bed.workers, true)
      for (const phase of PHASES) {
        bed.incident(`the store answers after ${phase.name}`)
        const fromMs = performance.now()
        line.set(phase.line)
        // The next begins when this one is over.
        await after(Math.max(1200, (round.seconds * 1000) / PHASES.length - CALM_MS))
        const during = { fromMs, toMs: performance.now() }
        line.set('pass')
        const unserved = begunWithin(bed.recorder, during).filter(
          ({ kind, outcome }) => kind === 'open' && outcome !== 'ok',
        )
        measures.push(count('unchecked requests not served', unserved.length, 0))
        if (phase.fails) measures.push(span('until the breaker was open everywhere', openedAfter(bed, during), 1000))
        await after(CALM_MS)
      }
      measures.push(span('event-loop delay, p99', await delaysOf(bed.workers, false), 50))
      return measures
    })
  },
}
