import { ask } from './harness/ask.ts'
import type { Fault } from './harness/fault.ts'
import { count } from './harness/figures.ts'
import type { Worker } from './harness/processes.ts'
import { underLoad, untilOver } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'

const HOUR_MS = 3_600_000

/** Of the last process, one after another; the first keeps the right time, the second and third are off all the while. */
const JUMPS = [HOUR_MS, 0, -HOUR_MS, 0]

const TOLERANCE_S = 1

const setClock = async (worker: Worker, shiftMs: number): Promise<void> => {
  await ask({ port: worker.port, path: '/clock', body: { shiftMs } })
}

const reusesFoundBy = async ({ port }: Worker): Promise<number> => {
  const { body } = await ask({ port, path: '/stats', body: {} })
  // What worker.mjs counts.
  const counts = body['counts'] as Readonly<Record<string, number>> | undefined
  return counts?.['refresh.reused'] ?? 0
}

/**
 * What has expired an hour ago by the right time, made by the process that is behind. Whether the others take it, and
 * whether that one itself does, which by its own clock alone is right.
 */
const presentOld = async ({ workers }: Bed) => {
  const [, , behind] = workers
  if (behind === undefined) throw new Error('there are four')
  const made = await ask({ port: behind.port, path: '/sign', body: { subject: 'somebody of an hour ago' } })
  const accessToken = String(made.body['accessToken'])
  const asked = await Promise.all(
    workers.map(async (worker) => ({ worker, reply: await ask({ port: worker.port, path: '/me', accessToken }) })),
  )
  const accepting = asked.filter(({ reply }) => reply.status === 200).map(({ worker }) => worker)
  return {
    byOthers: accepting.filter((worker) => worker !== behind).length,
    byItself: accepting.includes(behind) ? 1 : 0,
  }
}

/** Processes whose clocks are an hour ahead, an hour behind, and jump to and fro. */
export const wrongClocks: Fault = {
  name: 'F9',
  title: 'clocks of processes off by one hour, and jumping (PostgreSQL)',
  permitted:
    'checked routes of a process whose clock is off answer 503; no token accepted beyond its expiry; no reuse found',
  run: async (round) => {
    const { url } = await round.servers.postgres()
    const settings = {
      store: { kind: 'postgres', url },
      // So short that every client presents tokens that run out.
      accessToken: { lifetime: '2s', clockTolerance: `${TOLERANCE_S}s` },
    } as const
    const bounds = { toleranceMs: TOLERANCE_S * 1000 + 50 }
    return underLoad('F9', round, { settings, bounds }, async (bed) => {
      const [, ahead, behind, jumping] = bed.workers
      if (ahead === undefined || behind === undefined || jumping === undefined) throw new Error('there are four')
      bed.incident('one clock an hour ahead, one an hour behind')
      await setClock(ahead, HOUR_MS)
      await setClock(behind, -HOUR_MS)
      const old = await presentOld(bed)
      await untilOver(bed, 700, async (turn) => {
        bed.incident('a clock jumps')
        await setClock(jumping, JUMPS[turn % JUMPS.length] ?? 0)
      })
      const reuses = await Promise.all(bed.workers.map(reusesFoundBy))
      return [
        count(
          'reuses found',
          reuses.reduce((sum, found) => sum + found, 0),
          0,
        ),
        count('tokens an hour past their expiry accepted elsewhere', old.byOthers, 0),
        count('the same, accepted by the process that is an hour behind', old.byItself, 0),
      ]
    })
  },
}
