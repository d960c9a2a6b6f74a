import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Processes of an application under test (`process/worker.mjs`), to be killed, frozen and started anew. */

const WORKER = fileURLToPath(new URL('../process/worker.mjs', import.meta.url))

/** Where the sessions lie. `url`, `host` and `port` may be those of a proxy. */
export type StoreSettings =
  | {
      readonly kind: 'postgres'
      readonly url: string
      readonly max?: number
      /** Of the pool; default 2000. */
      readonly queryTimeoutMs?: number
      readonly options?: object
    }
  | {
      readonly kind: 'redis'
      readonly host: string
      readonly port: number
      /** Options of ioredis. */
      readonly client?: object
      /** Options of `redisStore`. */
      readonly options?: object
    }
  | { readonly kind: 'sqlite'; readonly file: string }

/** What a process is told; each part goes to the function of the library that it is named after. */
export interface WorkerSettings {
  readonly store: StoreSettings
  readonly bounds?: object
  readonly replication?: object
  readonly accessToken?: object
  readonly refreshToken?: object
  /** How far its wall clock is off. */
  readonly clockShiftMs?: number
  /** Probabilities of disturbed reads of the log. */
  readonly reads?: { readonly lost?: number; readonly repeated?: number }
}

/** The lease of the processes of these tests. */
export const LEASE_MS = 1000

/** The tolerance of the guards. */
export const TOLERANCE_MS = 5000

const USUAL = {
  secret: 'n7Qe2Zr9Lw4Tx8Kc1Vb6Hy3Mj5Pd0GsAf',
  replication: { lease: '1s', pollMs: 50 },
  bounds: { maxCalls: 200 },
  accessToken: { lifetime: '2m' },
  // As short as the rounds are: sessions go through many generations.
  refreshToken: { grace: '3s', lateReplays: 2, idleLifetime: '1d', absoluteLifetime: '2d' },
} as const

export interface Worker {
  readonly name: string
  /** Of its present process; changes with a restart. */
  readonly port: number
  readonly isUp: boolean
  signal(name: NodeJS.Signals): void
  /** Ends it and waits for the end: by SIGKILL, unless another signal is given. */
  end(signal?: NodeJS.Signals): Promise<void>
  /** Starts another process in its place, with these settings changed. */
  start(changed?: Partial<WorkerSettings>): Promise<void>
}

/** Processes must not outlive the tests, whatever ends those. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

const START_LIMIT_MS = 60_000

/** What the first line of a process's output that says so tells: its port. */
type ReadPort = (line: string) => number | null

const portOf = async (child: ChildProcess, read: ReadPort): Promise<number> => {
  const { stdout } = child
  if (stdout === null) throw new Error('its output is a pipe')
  const limit = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS)
  try {
    for await (const line of createInterface({ input: stdout })) {
      const port = read(line)
      // Whatever else it prints is let go.
      if (port !== null) return port
    }
  } finally {
    clearTimeout(limit)
    stdout.resume()
  }
  throw new Error('a process ended before it served; its words are above')
}

/** What there is to start: a script with its arguments and environment. */
export interface Program {
  readonly args: readonly string[]
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv
  readonly readPort: ReadPort
}

/** A process of Node that can be ended and started anew; `programOf` tells what, each time. */
export const supervise = async (
  name: string,
  programOf: (changed: Partial<WorkerSettings>) => Program,
): Promise<Worker> => {
  let child: ChildProcess | null = null
  let port = 0
  let isUp = false

  const start = async (changed: Partial<WorkerSettings> = {}): Promise<void> => {
    const { args, env = process.env, readPort } = programOf(changed)
    const begun = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
    running.add(begun)
    child = begun
    // What was killed does not read.
    begun.stdin.on('error', () => undefined)
    begun.once('exit', () => {
      running.delete(begun)
      if (child === begun) isUp = false
    })
    port = await portOf(begun, readPort)
    isUp = true
  }

  await start()
  return {
    name,
    get port() {
      return port
    },
    get isUp() {
      return isUp
    },
    signal: (signal) => {
      child?.kill(signal)
    },
    end: async (signal = 'SIGKILL') => {
      isUp = false
      const ending = child
      if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return
      ending.kill(signal)
      await once(ending, 'exit')
    },
    start,
  }
}

/** What worker.mjs prints. */
const readWorkerPort: ReadPort = (line) => (JSON.parse(line) as { port: number }).port

export const startWorker = (name: string, given: WorkerSettings): Promise<Worker> => {
  let settings = given
  return supervise(name, (changed) => {
    settings = { ...settings, ...changed }
    return { args: [WORKER, JSON.stringify({ ...USUAL, ...settings })], readPort: readWorkerPort }
  })
}

/** All of them, or none where one cannot start. */
export const allOrNone = async (starting: readonly Promise<Worker>[]): Promise<readonly Worker[]> => {
  const started = await Promise.allSettled(starting)
  const workers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failure = started.find((result) => result.status === 'rejected')
  if (failure === undefined) return workers
  await Promise.all(workers.map((worker) => worker.end()))
  throw failure.reason
}

/** Several alike, which share the work. */
export const startWorkers = (count: number, settings: WorkerSettings): Promise<readonly Worker[]> =>
  allOrNone(Array.from({ length: count }, (_, index) => startWorker(`p${index + 1}`, settings)))
