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

/** Runs scripts: one round trip each, and `StoreError` for whatever goes wrong. */
export interface Runner {
  /** Runs a script and reads its reply. */
  run<T>(call: ScriptCall, read: (reply: unknown) => T): Promise<T>
  /** The same for a script that writes in any case: resolves once that is as durable as the store was told. */
  runDurably<T>(call: ScriptCall, read: (reply: unknown) => T): Promise<T>
  /** Whether `runDurably` waits for more than `run`. */
  readonly isReplicated: boolean
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

export const createRunner = ({ connection, scripts, options }: RunnerParts): Runner => {
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

  const sendAndWait = async (call: ScriptCall): Promise<unknown> => {
    const script = scripts[call.script]
    const [key] = call.bucket.keys
    let command = byName(script, call)
    for (let moves = 0; ;) {
      try {
        // One after another: each attempt rests on what the one before was told.
        const [reply, acknowledged] = await connection.sendTogether(key, [command, wait])
        const count = toInteger(acknowledged)
        if (count >= replicas) return reply
        throw new Error(`${count} of ${replicas} replicas have acknowledged within ${replicationTimeoutMs} ms`)
      } catch (cause) {
        if (failsWith(cause, 'NOSCRIPT')) command = byText(script, call)
        else if (failsWith(cause, 'MOVED') && moves < MOVES) {
          moves += 1
          await followMove(key)
        } else throw cause
      }
    }
  }

  const run = async <T>(call: ScriptCall, send: typeof sendScript, read: (reply: unknown) => T): Promise<T> => {
    try {
      return read(await send(call))
    } catch (cause) {
      throw storeError(call.operation, cause)
    }
  }

  return {
    run: (call, read) => run(call, sendScript, read),
    runDurably: (call, read) => run(call, replicas === 0 ? sendScript : sendAndWait, read),
    isReplicated: replicas > 0,
  }
}
