import { StoreError } from '../../core/errors.ts'
import type { Bucket } from './buckets.ts'
import type { RedisCommand, RedisConnection } from './client.ts'
import type { ResolvedOptions } from './options.ts'
import { toInteger } from './replies.ts'
import type { Script, ScriptName, Scripts } from './scripts.ts'

/** A script to be run in a bucket, as one operation that a failure is named after. */
export interface ScriptCall {
  readonly operation: string
  readonly bucket: Bucket
  readonly script: ScriptName
  readonly args: readonly string[]
}

/** What scripts have answered, and why that may not be known to the replicas; null where it is. */
export interface Confirmed<T> {
  readonly answers: readonly T[]
  readonly doubt: StoreError | null
}

/** Runs scripts: one round trip each, and `StoreError` for whatever goes wrong. */
export interface Runner {
  /** Runs a script and reads its reply. */
  run<T>(call: ScriptCall, read: (reply: unknown) => T): Promise<T>
  /** The same for a script that writes in any case: resolves once that is as durable as the store was told. */
  runDurably<T>(call: ScriptCall, read: (reply: unknown) => T): Promise<T>
  /** The same for scripts of one bucket, or of any where `isOneServer`; and answers that need no replica can be had without. */
  runConfirmed<T>(calls: readonly [ScriptCall, ...ScriptCall[]], read: (reply: unknown) => T): Promise<Confirmed<T>>
  /** Whether `runDurably` waits for more than `run`. */
  readonly isReplicated: boolean
  /** Whether it is known that one server has all buckets. */
  readonly isOneServer: boolean
}

export interface RunnerParts {
  readonly connection: RedisConnection
  readonly scripts: Scripts
  readonly options: Pick<ResolvedOptions, 'replicas' | 'replicationTimeoutMs'>
}

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Without the client's error itself: that may hold the arguments of its command, a password among them. */
export const storeError = (operation: string, cause: unknown): StoreError =>
  cause instanceof StoreError ? cause : new StoreError(operation, new Error(wordsOf(cause)))

export const failsWith = (cause: unknown, code: string): boolean => wordsOf(cause).startsWith(code)

const byName = ({ sha }: Script, { bucket, args }: ScriptCall): RedisCommand => [
  'evalsha',
  sha,
  '2',
  ...bucket.keys,
  ...args,
]

const byText = ({ text }: Script, { bucket, args }: ScriptCall): RedisCommand => [
  'eval',
  text,
  '2',
  ...bucket.keys,
  ...args,
]

/** How often a batch follows a slot to another node. */
const MOVES = 3

const createSender = ({ connection, scripts, options }: RunnerParts) => {
  const { replicas, replicationTimeoutMs } = options
  const wait: RedisCommand = ['wait', String(replicas), String(replicationTimeoutMs)]

  const sendScript = async (call: ScriptCall): Promise<unknown> => {
    const script = scripts[call.script]
    const [key] = call.bucket.keys
    try {
      return await connection.send(key, byName(script, call))
    } catch (cause) {
      // A node that was started anew, or has never run it: it remembers the text from here on.
      if (!failsWith(cause, 'NOSCRIPT')) throw cause
      return connection.send(key, byText(script, call))
    }
  }

  /** Clients follow a moved slot for single commands only. */
  const followMove = async (key: string): Promise<void> => {
    await connection.send(key, ['exists', key])
  }

  /** Replies, and how many replicas have acknowledged what comes before and with them. */
  const sendAndWait = async (calls: readonly [ScriptCall, ...ScriptCall[]]) => {
    const [key] = calls[0].bucket.keys
    let write = byName
    for (let moves = 0; ;) {
      try {
        const commands = calls.map((call) => write(scripts[call.script], call))
        // One after another: each attempt rests on what the one before was told.
        const replies = await connection.sendTogether(key, [...commands, wait])
        return { replies: replies.slice(0, -1), acknowledged: toInteger(replies.at(-1)) }
      } catch (cause) {
        if (failsWith(cause, 'NOSCRIPT')) write = byText
        else if (failsWith(cause, 'MOVED') && moves < MOVES) {
          moves += 1
          await followMove(key)
        } else throw cause
      }
    }
  }

  return { sendScript, sendAndWait }
}

export const createRunner = (parts: RunnerParts): Runner => {
  const { replicas, replicationTimeoutMs } = parts.options
  const { sendScript, sendAndWait } = createSender(parts)

  const run: Runner['run'] = async (call, read) => {
    try {
      return read(await sendScript(call))
    } catch (cause) {
      throw storeError(call.operation, cause)
    }
  }

  const runConfirmed: Runner['runConfirmed'] = async (calls, read) => {
    const [{ operation }] = calls
    try {
      const { replies, acknowledged } = await sendAndWait(calls)
      const words = `${acknowledged} of ${replicas} replicas have acknowledged within ${replicationTimeoutMs} ms`
      const doubt = acknowledged < replicas ? storeError(operation, new Error(words)) : null
      return { answers: replies.map(read), doubt }
    } catch (cause) {
      throw storeError(operation, cause)
    }
  }

  const runAndWait: Runner['runDurably'] = async (call, read) => {
    const { answers, doubt } = await runConfirmed([call], (reply) => ({ answer: read(reply) }))
    if (doubt !== null) throw doubt
    const [first] = answers
    if (first === undefined) throw storeError(call.operation, new Error('the reply is missing'))
    return first.answer
  }

  return {
    run,
    runDurably: replicas === 0 ? run : runAndWait,
    runConfirmed,
    isReplicated: replicas > 0,
    isOneServer: parts.connection.isOneServer,
  }
}
